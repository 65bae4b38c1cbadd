"""The HTTP service, ``photochrom serve``: pictures, jobs and films over FastAPI and uvicorn."""
