# syncstats with an environment of its own, run without root as PUID:PGID (see docs/howto/nas.md).

FROM python:3.13-slim-bookworm AS build
WORKDIR /src
COPY requirements/build.lock requirements/runtime.lock requirements/
# Two environments: what builds the package stays behind, what runs it is copied on.
RUN python -m venv /opt/build \
 && /opt/build/bin/pip install --quiet --no-cache-dir --require-hashes --no-deps --only-binary :all: -r requirements/build.lock \
 && python -m venv /opt/syncstats \
 && /opt/syncstats/bin/pip install --quiet --no-cache-dir --require-hashes --no-deps --only-binary :all: -r requirements/runtime.lock
# What compiles the kernel stays behind, too.
# hadolint ignore=DL3008,DL3009
RUN apt-get update --quiet --quiet \
 && apt-get install --yes --quiet --quiet --no-install-recommends gcc libc6-dev
COPY pyproject.toml setup.py README.md LICENSE ./
COPY events events
COPY sync_queue sync_queue
COPY worker worker
COPY projections projections
RUN /opt/build/bin/pip wheel --quiet --no-cache-dir --no-deps --no-index --no-build-isolation --wheel-dir /opt/build/wheels . \
 && /opt/syncstats/bin/pip install --quiet --no-cache-dir --no-deps --no-index /opt/build/wheels/*.whl \
 && /opt/syncstats/bin/syncstats --version

FROM python:3.13-slim-bookworm
COPY --from=build /opt/syncstats /opt/syncstats
COPY --chmod=0755 docker/entrypoint.sh /usr/local/bin/entrypoint
ENV PATH="/opt/syncstats/bin:$PATH" \
    PUID="1000" \
    PGID="1000" \
    SYNCSTATS_DATA="/data"
VOLUME /data
STOPSIGNAL SIGTERM
# Through the entrypoint: as root it would leave files that the worker may not write.
HEALTHCHECK --interval=60s --timeout=10s --start-period=30s --retries=3 \
  CMD ["entrypoint", "syncstats", "show", "--json"]
ENTRYPOINT ["entrypoint", "syncstats"]
CMD ["--help"]
