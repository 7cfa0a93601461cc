# Every image that the tests use, cut from one Debian tree (base.sh). One target is one image.
ARG BASE
FROM ${BASE} AS debian

# What has no tool that Holdfast could use: no dump tool, no compressor, no interpreter.
FROM debian AS bare
RUN rm -rf /usr/lib/postgresql /usr/lib/python3* /usr/bin/python3* /usr/bin/perl* /usr/bin/sqlite3 \
      /usr/bin/busybox /usr/bin/*zstd* /usr/bin/gzip /usr/bin/gunzip /usr/bin/zcat \
      /usr/bin/psql /usr/bin/pg_* /usr/bin/createdb /usr/bin/dropdb
ENV PATH=/usr/local/bin:/usr/lib/postgresql/15/bin:/usr/bin:/usr/sbin LANG=C.UTF-8
# `sleep` as process 1 ignores every other signal, and `docker stop` would wait for ten seconds.
STOPSIGNAL SIGKILL
CMD ["sleep", "infinity"]

FROM bare AS sqlite
COPY --from=debian /usr/bin/sqlite3 /usr/bin/zstd /usr/bin/gzip /usr/bin/

FROM bare AS python
COPY --from=debian /usr/lib/python3.11/ /usr/lib/python3.11/
COPY --from=debian /usr/bin/python3.11 /usr/bin/python3

FROM bare AS node
COPY node /usr/local/bin/

# An app's image: it reaches a PostgreSQL server elsewhere, and has gzip but no zstd.
FROM bare AS client
COPY --from=debian /usr/lib/postgresql/15/bin/psql /usr/lib/postgresql/15/bin/pg_dump \
  /usr/lib/postgresql/15/bin/pg_restore /usr/lib/postgresql/15/bin/
COPY --from=debian /usr/bin/gzip /usr/bin/

# Behaves as the official postgres:15 does.
FROM bare AS postgres
COPY --from=debian /usr/lib/postgresql/ /usr/lib/postgresql/
COPY --from=debian /usr/bin/zstd /usr/bin/gzip /usr/bin/
# Its own setpriv, since busybox's cannot change the user.
COPY --from=debian /usr/bin/setpriv /usr/local/bin/
COPY postgres.sh /usr/local/bin/
ENV PGDATA=/var/lib/postgresql/data
RUN rm -rf /var/lib/postgresql/* && install -d -o postgres -g postgres -m 700 "$PGDATA" && \
    install -d -o postgres -g postgres -m 3777 /var/run/postgresql
VOLUME /var/lib/postgresql/data
STOPSIGNAL SIGINT
ENTRYPOINT ["sh", "/usr/local/bin/postgres.sh"]
CMD ["postgres"]

# PostgreSQL and SQLite where every usual tool is busybox's, as in images made from Alpine.
FROM postgres AS busybox
COPY --from=debian /usr/bin/sqlite3 /usr/bin/busybox /usr/bin/
SHELL ["busybox", "sh", "-c"]
RUN for applet in $(busybox --list | busybox grep -vx busybox); do \
      busybox rm -f "/usr/sbin/$applet" && busybox ln -sf busybox "/usr/bin/$applet"; \
    done && busybox rm /usr/bin/bash /usr/bin/dash
