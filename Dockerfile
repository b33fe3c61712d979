# SPDX-License-Identifier: Apache-2.0
#
# The image holds one file, the static binary:
#
#     docker build -t dockreeve .                              # in a checkout; --build-arg BASE=… for another Debian to build on
#     deploy/quickstart image                                  # built here: no other image is needed
#     ../../configure --enable-static-binary && make image     # the same by hand, in a build folder
#
# The last two use what stands below FROM scratch alone. On a base that has the packages, nothing is fetched while it is built.
#
# It runs as root unless the container's `user:` says otherwise, as the images it replaces do, because the engine's socket
# usually belongs to root:docker with mode 0660. Any uid will do whose groups may open that socket: `user: "65534"` with
# `group_add: ["GID OF THE SOCKET"]`. It needs no privileged mode and no capability. A gate to the internet alone
# (compose.egress.yaml) mounts no socket and runs as nobody.
# `docker exec GATE /dockreeve policy status` and the counts of rules need /var/lib/dockreeve writable. Under `read_only: true` that
# takes a volume or a tmpfs there, as the compose files have; without one the gate says so and does its work.
ARG BASE=debian:13-slim
FROM ${BASE} AS build
COPY . /src
RUN /src/deploy/quickstart build && install -s -m 755 /src/build/quickstart/dockreeve /dockreeve

FROM scratch
COPY --from=build /dockreeve /dockreeve
# With DOCKREEVE_COMPAT the gate reads CONTAINERS, POST and so on as its policy and listens on tcp:[::]:2375. A file
# /etc/dockreeve/policy.yaml ends that. No variable is set to 0 here: an explicit zero is a rule of its own.
ENV DOCKREEVE_COMPAT=tecnativa DOCKREEVE_LOG=-
EXPOSE 2375
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["/dockreeve", "healthcheck"]
ENTRYPOINT ["/dockreeve"]
CMD ["serve"]
