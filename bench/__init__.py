"""Side-by-side measurements: `make bench`, or `python -m bench --quick`. Results go to `bench/results/`."""
