"""Workers on a real data folder, killed at chosen steps and at random moments, then audited.

``python -m tests.faults.harness --cycles 300 --seed 7``. Each cycle enqueues jobs, starts workers
and kills one process or all. The plan (which process, at which step, the how many-th time, which
jobs fail how) follows from the seed, see `plan`. How the kernel schedules the processes does not,
so two runs of one seed kill at the same steps of different moments.
"""
