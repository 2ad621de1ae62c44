-- Remember that it was told where a log ends that lacks what was acknowledged.
UPDATE acknowledged SET told_end = ? WHERE stream = ?
