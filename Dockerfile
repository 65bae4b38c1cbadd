# The HTTP service (docs/server.md), for CPUs. The model is inside the package: nothing is
# downloaded when it runs.
#
#   docker build -t photochrom .
#   docker run --rm -p 127.0.0.1:8000:8000 -v photochrom:/var/lib/photochrom photochrom
#
# For several architectures (all dependencies have wheels for both, or are of Python alone):
#
#   docker buildx build --platform linux/amd64,linux/arm64 -t REGISTRY/photochrom --push .
#
# For a build that can be repeated, give the base image with its digest, which
# `docker buildx imagetools inspect python:3.13-slim` prints:
#
#   docker build --build-arg PYTHON=python:3.13-slim@sha256:... -t photochrom .

ARG PYTHON=python:3.13-slim

FROM ${PYTHON} AS build
RUN python -m venv /opt/photochrom
# The dependencies change less often than the source: a layer of their own.
COPY deploy/requirements.txt /tmp/
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/photochrom/bin/pip install --require-hashes -r /tmp/requirements.txt
# More packages, such as "fsspec s3fs" for `serve --store s3://...`.
ARG PACKAGES=""
RUN if [ -n "${PACKAGES}" ]; then /opt/photochrom/bin/pip install --no-cache-dir ${PACKAGES}; fi
WORKDIR /src
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src src
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/photochrom/bin/pip install --no-deps . \
    && /opt/photochrom/bin/python -m compileall -q /opt/photochrom/lib \
    && /opt/photochrom/bin/pip uninstall --yes pip

FROM ${PYTHON}
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Photochrom" \
      org.opencontainers.image.description="Colour for black-and-white photographs and films" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
RUN useradd --system --uid 10001 --no-create-home photochrom \
    && install -d -o photochrom -g photochrom -m 0700 /var/lib/photochrom
COPY --from=build /opt/photochrom /opt/photochrom
ENV PATH=/opt/photochrom/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
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
