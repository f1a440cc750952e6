/** How a command of ours ends: with what it has to say, and 1 when it did not do its work. */

/** Runs `main`; what it throws is told in its own words. */
export async function runCommand(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    console.error(error instanceof Error ? messageOf(error) : error);
    process.exitCode = 1;
  }
}

/** With what the database or the system said, which is what an operator can act on. */
function messageOf(error: Error): string {
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
