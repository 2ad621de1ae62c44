"""The parts of the benchmark: each is a function of what was asked, and gives what it found.

Another part, of summaries of segments say, is one more module here and one more line in
`benchmarks.parts.all_parts`.
"""
