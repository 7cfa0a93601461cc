import { amazonLike, compatible, moto } from "../storage/store.ts";
import { storageContract } from "./storage.ts";

storageContract("S3", amazonLike);
storageContract("S3 of another maker", compatible);
storageContract("moto", moto);
