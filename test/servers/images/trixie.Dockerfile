# A newer PostgreSQL than bookworm.Dockerfile's, for restores from one major version into another.
ARG BASE
FROM ${BASE} AS postgres17
COPY postgres.sh /usr/local/bin/
RUN cp /usr/bin/setpriv /usr/local/bin/
ENV PATH=/usr/local/bin:/usr/lib/postgresql/17/bin:/usr/bin:/usr/sbin LANG=C.UTF-8
ENV PGDATA=/var/lib/postgresql/data
RUN rm -rf /var/lib/postgresql/* && install -d -o postgres -g postgres -m 700 "$PGDATA" && \
    install -d -o postgres -g postgres -m 3777 /var/run/postgresql
VOLUME /var/lib/postgresql/data
STOPSIGNAL SIGINT
ENTRYPOINT ["sh", "/usr/local/bin/postgres.sh"]
CMD ["postgres"]
