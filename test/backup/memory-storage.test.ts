import { storageContract } from "../contract/storage.ts";
import { MemoryStorage } from "../servers/memory-storage.ts";

storageContract("memory", async () => {
  const bucket = new MemoryStorage();
  return {
    open: (signal) => bucket.until(signal),
    begin: async (key) => bucket.begin(key),
    [Symbol.asyncDispose]: async () => {},
  };
});
