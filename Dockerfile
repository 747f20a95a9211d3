# kv as an image: the built server and Node, nothing else.
#
#     docker build --tag kv .
#     docker run --publish 6379:6379 --volume kv-data:/data kv --requirepass secret
#
# Words behind the image's name are the server's own, a configuration file among them:
# `--volume ./kv.conf:/etc/kv.conf:ro kv /etc/kv.conf`. Without a password, or `--protected-mode no`,
# only clients within the container are served. The data lies in /data. Another port than 6379 has
# to be told to the health check: `--env KV_PORT=7000`.

FROM node:26.10.0-slim AS build
WORKDIR /kv
COPY . .
# Asking for the version installs what the lock file says, and builds. Of all that the image gets the
# server as a user of the registry would, without what only a compiler or a debugger reads.
RUN node scripts/start.mjs --version \
  && node_modules/.bin/pnpm --filter @kv/server deploy \
    --legacy --prod --no-optional --ignore-scripts /image \
  && find /image -type f \( -name '*.map' -o -name '*.ts' -o -name '*.cts' \) -delete

FROM node:26.10.0-slim
RUN groupadd --system --gid 999 kv \
  && useradd --system --uid 999 --gid kv --home-dir /data --shell /usr/sbin/nologin kv \
  && install --directory --owner kv --group kv --mode 0700 /data \
  && for tool in kv-server kv-sentinel kv-check-rdb kv-check-aof; do \
    ln -s /opt/kv/bin/$tool.mjs /usr/local/bin/$tool; \
  done
COPY LICENSE /opt/kv/
COPY apps/server/docker/healthcheck.mjs /opt/kv/docker/
COPY --from=build /image/ /opt/kv/

USER kv
WORKDIR /data
VOLUME /data
EXPOSE 6379
# The server is the container's first process and hears SIGTERM itself: it saves and ends. A large
# data set may need more than the ten seconds that `docker stop` gives it; see --time.
STOPSIGNAL SIGTERM
# A large data set takes its time to load.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5m \
  CMD ["node", "/opt/kv/docker/healthcheck.mjs"]
ENTRYPOINT ["kv-server"]
