import { CommandError, ConnectionError, type HoldfastError, InputError } from "../errors.ts";
import type { Exit, Host } from "./host.ts";

/** How a command of the container engine failed. */
interface Told {
  readonly exit: Exit;
  readonly stderr: string;
}

/**
 * What is wrong when the container engine's command line fails before it comes to any container: an
 * InputError when there is no such command, a ConnectionError when the engine, its socket or sudo
 * refuses, a CommandError when it is something else. The patterns are what Docker 20 to 29, sudo and
 * the shells print.
 */
export function dockerFault(outer: Host, docker: readonly string[], told: Told): HoldfastError {
  const command = docker.join(" ");
  const where = `${command} on ${outer.name}`;
  const cause = new Error(told.stderr.trim());
  const refused = (message: string, hint: string, transient = false) =>
    new ConnectionError(message, { hint, cause, transient });

  if (/^sudo: .*(password|terminal|tty)|not in the sudoers|is not allowed to/m.test(told.stderr)) {
    return refused(`${where}: sudo does not run it without a password`, sudoHint);
  }
  if (/permission denied while trying to connect/i.test(told.stderr)) {
    return refused(`${where} may not use the container engine's socket`, socketHint);
  }
  if (/cannot connect to|failed to connect to|error during connect/i.test(told.stderr)) {
    return refused(`${where} finds no container engine running`, daemonHint, true);
  }
  if (isMissing(told)) {
    const hint =
      "Install it there, or set the input `docker` to its command line, such as `podman`.";
    return new InputError(`${where} is not a command that can be run`, { hint, cause });
  }
  return new CommandError(`${where} failed with ${ending(told.exit)}: ${lastLines(told.stderr)}`, {
    hint: "Run it there by hand: it does not get as far as the container.",
    cause,
  });
}

const sudoHint =
  "Allow it in /etc/sudoers.d, such as `deploy ALL=(root) NOPASSWD: /usr/bin/docker`, " +
  "or add the user to the group docker and set the input `docker` to `docker`.";

const socketHint =
  "Add the user to the group that owns the socket, `sudo usermod -aG docker USER`, " +
  "or set the input `docker` to `sudo docker`.";

const daemonHint = "Start it there, `sudo systemctl start docker`, and see why it had stopped.";

/** 126 and 127 are a shell's for a command it cannot run (POSIX.1-2017, 2.8.2); sudo says it in words. */
function isMissing({ exit, stderr }: Told): boolean {
  return exit.code === 126 || exit.code === 127 || /^sudo: .*command not found/m.test(stderr);
}

function ending({ code, signal }: Exit): string {
  return code === undefined ? `signal ${signal}` : `exit status ${code}`;
}

function lastLines(stderr: string): string {
  return stderr.trim().split("\n").slice(-5).join("\n");
}
