# jq -cn -f totals.jq FILE
reduce inputs as $e (
  {succeeded: 0, failed: 0, skipped: 0, other: 0, errors: {}, duration_ns: 0};
  if $e.event == "job.succeeded" then
    .succeeded += 1 | .duration_ns += $e.duration_ns
  elif $e.event == "job.failed" then
    .failed += 1 | .duration_ns += $e.duration_ns | .errors[$e.error_type] += 1
  elif $e.event == "job.skipped" then
    .skipped += 1
  else
    .other += 1
  end)
