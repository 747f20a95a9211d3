/** The start-up logo: name, version, mode, port and process id. */
import { compatibleVersion } from "@kv/config";
import { engineVersion } from "@kv/engine";

export interface BannerFacts {
  mode: "standalone" | "cluster" | "sentinel";
  port: number;
  processId: number;
}

export function banner({ mode, port, processId }: BannerFacts): string {
  return `
        __
       / /__ _   __      kv ${engineVersion} (speaks Redis ${compatibleVersion}) 64 bit
      / //_/| | / /      Running in ${mode} mode
     / ,<   | |/ /       Port: ${port}
    /_/|_|  |___/        PID: ${processId}

`;
}
