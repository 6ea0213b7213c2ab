"""The server for ``python app.py`` and ``gunicorn -b 0.0.0.0:5000 app:app``."""

from __future__ import annotations

if __name__ == "__main__":
    import sys

    try:
        from llm_repl_server.cli.serve import serve_everywhere
    except KeyboardInterrupt:
        sys.exit(130)
    serve_everywhere()
else:
    from llm_repl_server.app import create_app

    app = create_app()
