/** Every transcript of the folder `transcripts`, by name: a new file there is run by itself. */
import { readdirSync } from "node:fs";
import type { Transcript } from "./transcripts/transcript.ts";

export interface NamedTranscript {
  name: string;
  transcript: Transcript;
}

export async function allTranscripts(): Promise<NamedTranscript[]> {
  const folder = new URL("transcripts/", import.meta.url);
  const names = readdirSync(folder)
    .filter((name) => name.endsWith(".ts") && name !== "transcript.ts")
    .sort();
  return Promise.all(
    names.map(async (file) => {
      const module = (await import(new URL(file, folder).href)) as { transcript: Transcript };
      return { name: file.slice(0, -".ts".length), transcript: module.transcript };
    }),
  );
}
