import { type Architecture, type Argument, type SystemCall, systemCallNumber } from './system-call.ts';

/**
 * A program, as the bytes of an ELF file, that makes the calls in order and has no library, no interpreter and no file
 * that it needs. The last call should be execve or exit. When a call with an `action` fails, the program writes the
 * number of it and the negative errno to descriptor 3 (`parseStageFailure`) and exits with 127.
 *
 * It is what becomes a container: some calls work only from inside of the new process (procfs belongs to the pid
 * namespace of who mounts it) or cannot be undone by a thread of ours (the bounding set, no_new_privs). util-linux has
 * a command for each but none for all, and no second command can be loaded once the root is the container's.
 */
export function stageProgram(calls: readonly SystemCall[], architecture: Architecture): Uint8Array {
  const data = new DataSegment(calls.length);
  const labels = new Map<string, number>();
  calls.forEach(({ label }, index) => {
    if (label !== undefined) labels.set(label, index);
  });
  // Where each result has to be stored: the slot of the argument that refers to it.
  const stores = new Map<number, number>();
  calls.forEach((call, index) => {
    call.args.forEach((argument, position) => {
      const label = labelOf(argument);
      const source = label === undefined ? undefined : labels.get(label);
      if (source !== undefined) stores.set(source, slotAddress(index) + 8 * (1 + position));
    });
  });
  calls.forEach(({ name, args, action }, index) => {
    const slots = args.map((argument) => data.place(argument, architecture));
    const number = systemCallNumber(name, architecture);
    data.writeCall(TABLE + index * CALL_BYTES, number, slots, stores.get(index) ?? SCRATCH, action === undefined);
  });
  data.writeCall(FAIL, systemCallNumber('write', architecture), [3, { at: REPORT }, REPORT_BYTES], SCRATCH, true);
  data.writeCall(FAIL + CALL_BYTES, systemCallNumber('exit', architecture), [127], SCRATCH, true);
  return elfFile(Buffer.from(code[architecture], 'hex'), data.bytes(), architecture);
}

/** What a failed program wrote to descriptor 3; undefined when it wrote nothing. */
export function parseStageFailure(bytes: Uint8Array): { readonly index: number; readonly errno: number } | undefined {
  if (bytes.length < REPORT_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, REPORT_BYTES);
  const index = (Number(view.getBigUint64(0, true)) - DATA - TABLE) / CALL_BYTES;
  return { index, errno: -Number(view.getBigInt64(8, true)) };
}

/** Virtual addresses. Apart by more than any page size of Linux, so that code and data have pages of their own. */
const CODE = 0x400000;
const DATA = 0x411000;
/** In the file. Addresses and offsets have to agree modulo the page size. */
const DATA_OFFSET = 0x1000;

/** Number, six arguments, the address for the result, whether to go on when it fails. */
const CALL_BYTES = 9 * 8;
/** Offsets in the data; the machine code knows the first three by heart. */
const FAIL = 0;
const REPORT = 2 * CALL_BYTES;
const REPORT_BYTES = 16;
const SCRATCH = REPORT + REPORT_BYTES;
const TABLE = SCRATCH + 16;

/**
 * x64:                                   arm64:
 *       mov  ebx, TABLE                        mov  x19, TABLE
 * next: mov  rax, [rbx]                  next: ldr  x8, [x19]
 *       mov  rdi, [rbx+8]                      ldp  x0, x1, [x19, 8]
 *       ... rsi rdx r10 r8 r9                  ... x2 to x5
 *       syscall                                svc  0
 *       mov  rcx, [rbx+56]                     ldr  x9, [x19, 56]
 *       mov  [rcx], rax                        str  x0, [x9]
 *       test rax, rax                          tbz  x0, 63, on
 *       jns  on
 *       cmp  qword [rbx+64], 0                 ldr  x10, [x19, 64]
 *       jne  on                                cbnz x10, on
 *       mov  edi, REPORT                       mov  x9, REPORT
 *       mov  [rdi], rbx                        stp  x19, x0, [x9]
 *       mov  [rdi+8], rax
 *       mov  ebx, FAIL                         mov  x19, FAIL
 *       jmp  next                              b    next
 * on:   add  rbx, 72                     on:   add  x19, x19, 72
 *       jmp  next                              b    next
 */
const code: Readonly<Record<Architecture, string>> = {
  x64:
    'bbb0104100488b03488b7b08488b7310488b53184c8b53204c8b43284c8b4b300f05488b4b384889014885c0791a48837b4000751' +
    '3bf9010410048891f48894708bb00104100ebbd4883c348ebb7',
  arm64:
    '131682d23308a0f2680240f9608640a9628e41a9649642a9010000d4691e40f9200100f92001f8b66a2240f9ea0000b5091282d22' +
    '908a0f2330100a9130082d23308a0f2f1ffff1773220191efffff17',
};

function labelOf(argument: Argument): string | undefined {
  return typeof argument === 'object' && 'resultOf' in argument ? argument.resultOf : undefined;
}

function slotAddress(index: number): number {
  return TABLE + index * CALL_BYTES;
}

/** A number that is no address, or the offset of what was placed in the data. */
type Slot = number | { readonly at: number };

class DataSegment {
  readonly #head: Buffer;
  readonly #tail: Buffer[] = [];
  #end: number;

  constructor(calls: number) {
    this.#head = Buffer.alloc(TABLE + calls * CALL_BYTES);
    this.#end = this.#head.length;
  }

  place(argument: Argument, architecture: Architecture): Slot {
    if (typeof argument === 'number') return argument;
    if (typeof argument === 'string') return { at: this.#append(Buffer.from(`${argument}\0`)) };
    if (argument instanceof Uint8Array) return { at: this.#append(argument) };
    if (typeof argument === 'function') return { at: this.#appendFilter(argument(architecture)) };
    if ('resultOf' in argument) return 0;
    const addresses = argument.map((text) => BigInt(DATA + this.#append(Buffer.from(`${text}\0`))));
    return { at: this.#append(Buffer.from(BigUint64Array.from([...addresses, 0n]).buffer)) };
  }

  writeCall(at: number, number: number, slots: readonly Slot[], store: number, goOn: boolean): void {
    this.#head.writeBigUInt64LE(BigInt(number), at);
    slots.forEach((slot, position) => {
      const value = typeof slot === 'number' ? BigInt(slot) : BigInt(DATA + slot.at);
      this.#head.writeBigInt64LE(value, at + 8 * (1 + position));
    });
    this.#head.writeBigUInt64LE(BigInt(DATA + store), at + 56);
    this.#head.writeBigUInt64LE(goOn ? 1n : 0n, at + 64);
  }

  bytes(): Buffer {
    return Buffer.concat([this.#head, ...this.#tail]);
  }

  /** struct sock_fprog { unsigned short len; struct sock_filter *filter; } */
  #appendFilter(instructions: Uint8Array): number {
    const fprog = Buffer.alloc(16);
    fprog.writeUInt16LE(instructions.length / 8);
    fprog.writeBigUInt64LE(BigInt(DATA + this.#append(instructions)), 8);
    return this.#append(fprog);
  }

  /** Everything begins at a multiple of 8, as structures want it. */
  #append(bytes: Uint8Array): number {
    const at = this.#end;
    const padded = Buffer.alloc(Math.ceil(bytes.length / 8) * 8);
    padded.set(bytes);
    this.#tail.push(padded);
    this.#end += padded.length;
    return at;
  }
}

function elfFile(text: Uint8Array, data: Uint8Array, architecture: Architecture): Uint8Array {
  const file = Buffer.alloc(DATA_OFFSET + data.length);
  const entry = EHDR_BYTES + 3 * PHDR_BYTES;
  // Elf64_Ehdr: ELFCLASS64, ELFDATA2LSB, EV_CURRENT; ET_EXEC; EM_X86_64 or EM_AARCH64.
  file.write('7f454c46020101', 'hex');
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(architecture === 'x64' ? 62 : 183, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BigInt(CODE + entry), 24);
  file.writeBigUInt64LE(BigInt(EHDR_BYTES), 32);
  file.writeUInt16LE(EHDR_BYTES, 52);
  file.writeUInt16LE(PHDR_BYTES, 54);
  file.writeUInt16LE(3, 56);
  const header = (index: number, type: number, flags: number, offset: number, address: number, size: number): void => {
    const at = EHDR_BYTES + index * PHDR_BYTES;
    file.writeUInt32LE(type, at);
    file.writeUInt32LE(flags, at + 4);
    [offset, address, address, size, size, 0x1000].forEach((value, position) => {
      file.writeBigUInt64LE(BigInt(value), at + 8 + 8 * position);
    });
  };
  header(0, PT_LOAD, PF_R | PF_X, 0, CODE, entry + text.length);
  header(1, PT_LOAD, PF_R | PF_W, DATA_OFFSET, DATA, data.length);
  header(2, PT_GNU_STACK, PF_R | PF_W, 0, 0, 0);
  file.set(text, entry);
  file.set(data, DATA_OFFSET);
  return file;
}

const EHDR_BYTES = 64;
const PHDR_BYTES = 56;
const PT_LOAD = 1;
const PT_GNU_STACK = 0x6474e551;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;
