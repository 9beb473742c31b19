import { MemoryStore } from './memory-store.ts';
import { storeSpec } from './store-spec.ts';

storeSpec('memory', async () => new MemoryStore());
