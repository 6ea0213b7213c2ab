/** Where answers come from: from models, from the record where it has them, or from nowhere else. */
export type Mode = "live" | "reuse" | "replay";
