import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { output, succeeds } from "./command.ts";

/** The commands that tests call, each with its package in Debian and Ubuntu. Moto is in none. */
const packages = {
  age: "age",
  busybox: "busybox-static",
  debootstrap: "debootstrap",
  docker: "docker.io",
  dockerd: "docker.io",
  flock: "util-linux",
  jq: "jq",
  pg_dump: "postgresql-client",
  shellcheck: "shellcheck",
  sqlite3: "sqlite3",
  sshd: "openssh-server",
  zstd: "zstd",
};

/** How a command line begins that runs as root without a password; undefined when nothing does that. */
export async function asRoot(): Promise<readonly string[] | undefined> {
  if (process.getuid?.() === 0) return [];
  return (await succeeds(["sudo", "-n", "true"])) ? ["sudo", "-n"] : undefined;
}

/**
 * Installs every command that tests call and that is missing.
 *
 * @throws Error that lists what to install, when this cannot
 */
export async function installTools(): Promise<void> {
  // A user's PATH often lacks where sshd is, and where pip puts what a user installs.
  process.env["PATH"] += ["", "/usr/sbin", "/sbin", join(homedir(), ".local/bin")].join(delimiter);
  await installPackages();
  if (!isInstalled("moto_server")) await installMoto();
}

async function installPackages(): Promise<void> {
  const missing = missingPackages();
  if (missing.length === 0) return;
  const root = await asRoot();
  if (!root || !isInstalled("apt-get")) {
    throw new Error(`install what the tests need, as Debian calls it: ${missing.join(" ")}`);
  }
  console.error(`Installing ${missing.join(" ")} …`);
  const apt = [...root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"];
  apt.push("-o", "DPkg::Lock::Timeout=300");
  await output([...apt, "update"]);
  await output([...apt, "install", "--no-install-recommends", ...missing]);
  const left = missingPackages();
  if (left.length > 0) throw new Error(`apt-get did not bring all of these: ${left.join(" ")}`);
}

function missingPackages(): readonly string[] {
  const pip = isInstalled("moto_server") ? {} : { pip3: "python3-pip" };
  const missing = Object.entries({ ...packages, ...pip }).filter(
    ([command]) => !isInstalled(command),
  );
  // Without its keys, debootstrap on Ubuntu would take any Debian for the true one.
  const keys = missing.some(([command]) => command === "debootstrap")
    ? ["debian-archive-keyring"]
    : [];
  return [...new Set([...missing.map(([, name]) => name), ...keys])];
}

async function installMoto(): Promise<void> {
  console.error("Installing moto …");
  const pip = ["env", "PIP_BREAK_SYSTEM_PACKAGES=1", "python3", "-m", "pip", "install", "--quiet"];
  try {
    await output([...pip, "moto[server]"]);
  } catch (cause) {
    throw new Error("install what the tests need: pip install 'moto[server]'", { cause });
  }
}

function isInstalled(command: string): boolean {
  const places = process.env["PATH"]?.split(delimiter) ?? [];
  return places.some((place) => isExecutable(join(place, command)));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
