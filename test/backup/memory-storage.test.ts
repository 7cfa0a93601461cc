import { storageContract } from "../contract/storage.ts";
import { MemoryStorage } from "../servers/memory-storage.ts";

storageContract("memory", async () => {
  const bucket = new MemoryStorage();
  return {
    open: (signal) => bucket.until(signal),
    begin: async (key) => bucket.begin(key),
    lock: async (key, lock) => {
      bucket.lock(key, lock);
      const options = { contentType: "text/plain", metadata: {}, replace: false };
      await bucket.put(key, Buffer.from("x"), options);
      return bucket;
    },
    [Symbol.asyncDispose]: async () => {},
  };
});
