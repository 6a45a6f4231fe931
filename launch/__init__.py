"""The machinery of the commands: environment, database, processes, checks.

Standard library only and no Django: this package prepares the place where Django runs, so it
has to work before anything is installed. What `run` needs before `.venv` exists (`commands`
and what it imports) also runs on Python 3.8; the other modules run inside `.venv`.
"""
