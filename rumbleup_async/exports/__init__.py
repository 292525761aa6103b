"""What became of runs, to be shown and to be counted with: as a page, a workbook, CSV or Parquet.

Lives here: reports over ledgers. They are read in parts, so that neither a run under way nor memory notices their size.
"""
