// Preloaded by a process whose disk is to fail: from SIGUSR2 on, nothing that was written can be brought to it.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const { fdatasync } = fs;
let failing = false;
process.on('SIGUSR2', () => {
  failing = true;
});
fs.fdatasync = (file, done) => {
  if (failing) setImmediate(done, Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' }));
  else fdatasync(file, done);
};
syncBuiltinESMExports();
