import type { ContainerChoice } from "../host/container.ts";
import type { SshAccess } from "../host/ssh.ts";
import { InputError } from "../errors.ts";
import {
  lines,
  missing,
  optional,
  type Parse,
  refuse,
  required,
  type Read,
  secret,
} from "./field.ts";
import { bareHost, hostName, isPort, keyValue, matching, port, text } from "./value.ts";

const loginName = matching(/^[^\s@:]+$/, "a user name, without a host");
// The pattern is Docker's own; it keeps a name from being taken for an option.
const containerName = matching(/^[a-zA-Z0-9][\w.-]*$/, "the name or id of a container");

export function readAccess(read: Read): SshAccess {
  return {
    host: required(read, "ssh-host", hostName),
    port: optional(read, "ssh-port", port) ?? 22,
    user: required(read, "ssh-user", loginName),
    privateKey: secret(read, "ssh-private-key") ?? missing("ssh-private-key"),
    passphrase: secret(read, "ssh-passphrase"),
    knownHosts: required(read, "ssh-known-hosts", text),
    jump: optional(read, "ssh-jump-host", jumpHost),
  };
}

/** The argv that every command of the container engine begins with. */
export function readDocker(read: Read): readonly string[] {
  return optional(read, "docker", (field) => field.text.split(/\s+/)) ?? ["docker"];
}

export function readContainer(read: Read): ContainerChoice | undefined {
  const name = optional(read, "container", containerName);
  const labels = lines(read, "container-labels", keyValue);
  if (name !== undefined && labels.length > 0) {
    throw new InputError(`container is "${name}", and container-labels are set as well`, {
      hint: "Keep the one that finds your container.",
    });
  }
  if (name !== undefined) return { by: "name", name };
  return labels.length > 0 ? { by: "labels", labels } : undefined;
}

/** `user@host[:port]`, an IPv6 address in brackets. */
const jumpHost: Parse<NonNullable<SshAccess["jump"]>> = (field) => {
  const pattern = /^([^\s@:]+)@(\[.+\]|[^:]+)(?::(\d+))?$/;
  const [, user, named = "", digits = "22"] = pattern.exec(field.text) ?? [];
  const host = bareHost(named);
  if (user === undefined || host === undefined || !isPort(Number(digits))) {
    return refuse(field, "user@host or user@host:port");
  }
  return { user, host, port: Number(digits) };
};
