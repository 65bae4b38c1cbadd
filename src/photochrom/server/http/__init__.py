"""The application: routes, options of requests, uploads, errors, limits of connections."""
