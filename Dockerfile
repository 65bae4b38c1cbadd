# The HTTP service (docs/server.md), for CPUs. The model is inside the package: nothing is
# downloaded when it runs.
#
#   docker build -t photochrom .
#   docker run --rm -p 127.0.0.1:8000:8000 -v photochrom:/var/lib/photochrom photochrom

FROM python:3.13-slim AS build
ARG EXTRAS=server,heif
WORKDIR /src
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src src
RUN python -m venv /opt/photochrom \
    && /opt/photochrom/bin/pip install --no-cache-dir ".[${EXTRAS}]" \
    && /opt/photochrom/bin/pip uninstall --yes pip

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home photochrom \
    && install -d -o photochrom -g photochrom -m 0700 /var/lib/photochrom
COPY --from=build /opt/photochrom /opt/photochrom
ENV PATH=/opt/photochrom/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PHOTOCHROM_HOME=/var/lib/photochrom \
    PHOTOCHROM_HOST=0.0.0.0 \
    PHOTOCHROM_PORT=8000
USER 10001
VOLUME /var/lib/photochrom
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PHOTOCHROM_PORT\"]}/readyz', timeout=4)"]
STOPSIGNAL SIGTERM
CMD ["photochrom", "serve"]
