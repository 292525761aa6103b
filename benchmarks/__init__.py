"""Benchmarks: ratios measured side by side in one run, never asserted by a test.

python -m benchmarks                 everything below
python -m benchmarks throughput      fast mode with its promise on, against a naive aiohttp loop
python -m benchmarks lists           reading, screening, importing a long list; memory from first row to last
python -m benchmarks startup         what `import rumbleup_async` costs
"""
