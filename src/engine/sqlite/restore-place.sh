#!/bin/sh
# shellcheck disable=SC2034 # shared with the scripts behind
# Where a database is restored, and what is called how there. Stands behind room.sh.
#
# Beside the database FILE lie, while a restore is on its way, `.FILE.restoring-STAMP` and the claims of lock.sh; what was
# replaced stays as `NAME_before_STAMP.EXTENSION`. STAMP is `YYYYMMDD_HHMMSS`. Names may hold anything, so only the
# tags `restoring-STAMP` and `before_STAMP` travel between the scripts and the runner.

stamp='[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]_[0-9][0-9][0-9][0-9][0-9][0-9]'

fail() {
  printf '%s\n' "$1" >&2
  exit 1
}

# Goes to the directory of a database, which need not be there itself: $file is its canonical path, $base its name,
# $stem and $extension the two parts of that.
enter() {
  case $1 in
  /*) path=$1 ;;
  *) path=./$1 ;;
  esac
  if [ -e "$path" ] || [ -L "$path" ]; then
    file=$(canonical "$path") || return
    file=${file%??}
  else
    file=$(canonical "${path%/*}/") || return
    file=${file%??}/${path##*/}
  fi
  base=${file##*/}
  case $base in
  ?*.*) stem=${base%.*} extension=.${base##*.} ;;
  *) stem=$base extension= ;;
  esac
  cd -- "${file%/*}/" || return
}

# $name is what a tag is called here; without a tag, the database itself.
named() {
  case $1 in
  restoring-*) name=.$base.$1 ;;
  before_*) name=${stem}_$1$extension ;;
  *) name=$base ;;
  esac
}

# Removes a database with what SQLite has beside it.
remove() {
  rm -f -- "./$1-wal" "./$1-shm" "./$1-journal" "./$1"
}

# Removes what restores have staged. Whoever calls it holds the lock, so nobody is at work on any of it; a trial of a
# survey needs no lock, and is left alone for a day.
sweep_staged() {
  # shellcheck disable=SC2231 # a pattern
  for left in "./.$base.restoring-"$stamp*; do
    [ ! -f "$left" ] || rm -f -- "$left"
  done
  for left in "./.$base.restoring-trial-"*; do
    [ ! -f "$left" ] || [ -z "$(find "$left" -prune -mtime +0)" ] || rm -f -- "$left"
  done
}

# Whether two names are of one file.
same() {
  # shellcheck disable=SC3013 # dash, busybox and bash have it, and since 2024 POSIX
  [ "$1" -ef "$2" ]
}

# Whether what is kept is only a second name of the live database, which a killed swap has given it. It has no bare
# `return`: in a trap that gives the status from before the trap (POSIX.1-2017, 2.14 return).
is_twin() {
  same "$1" "./$base" && is_twin_log "$1" -wal && is_twin_log "$1" -journal
}

is_twin_log() {
  [ ! -s "$1$2" ] || same "$1$2" "./$base$2"
}

sweep_twins() {
  # shellcheck disable=SC2027,SC2231 # a pattern
  for twin in "./${stem}_before_"$stamp"$extension"; do
    ! is_twin "$twin" || rm -f -- "$twin-wal" "$twin-journal" "$twin"
  done
}

# Writes a file or a directory to disk. An older sync knows no names and writes everything.
flush() {
  sync -- "$1" 2>/dev/null || sync
}

# What begins `PID NAME` for each process that has a file open, as far as this one may see.
users_of() {
  for descriptor in /proc/[0-9]*/fd/*; do
    same "$descriptor" "$1" || continue
    user=${descriptor#/proc/}
    user=${user%%/*}
    read -r command <"/proc/$user/comm" || command=
    printf '%s %s\n' "$user" "$command"
  done 2>/dev/null | sort -u
}
