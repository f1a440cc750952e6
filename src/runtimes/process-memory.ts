import { readFile } from 'node:fs/promises';

/** Resident memory of a process in bytes; null where the system does not tell. */
export async function residentBytes(pid: number): Promise<number | null> {
  try {
    // `status` counts in kB; `statm` in pages, whose size is the kernel's.
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch {
    return null; // it ended meanwhile, or this is not Linux
  }
}
