"""Benchmarks: ratios measured side by side in one run, never asserted by a test.

python -m benchmarks                 everything below; `make bench` is the same
python -m benchmarks throughput      fast mode with its promise on, against everybody else
python -m benchmarks throughput --against DIR     this checkout and the one in DIR, interleaved: what a change costs
python -m benchmarks tls             the same over https
python -m benchmarks latency         a server 100 ms away, 100 to 5,000 in flight
python -m benchmarks pace            what holding a limit costs
python -m benchmarks parts           CPU of a text, by part
python -m benchmarks lane            CPU of one exchange, ours and aiohttp's
python -m benchmarks lists           reading, screening, importing a long list; memory from first row to last; --huge for 10 M
python -m benchmarks texters         concurrent mode against the loop of the API's page
python -m benchmarks startup         what `import rumbleup_async` and a short run cost
python -m benchmarks official_sdk    over Sendblue, against its official SDK
python -m benchmarks double_send     one call to a provider that takes the text and then fails: how often is it texted?

python -m benchmarks peers           only installs what others send with, into .bench/
python -m benchmarks report          makes docs/performance.md from the results that are kept in benchmarks/results/
"""
