"""The machinery of the commands: environment, database, processes, checks.

Standard library only and no Django: this package prepares the place where Django runs, so it
has to work before anything is installed. What `run` imports before `.venv` exists
(`commands`, `environment` and what they import) also runs on
Python 3.8; the other modules run inside `.venv`.
"""
