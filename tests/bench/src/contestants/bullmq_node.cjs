// Plays what the benchmark asks for, one JSON line in and one out. Started with Redis's port.
const readline = require('node:readline');
const { Queue, Worker } = require('bullmq');

const NAME = 'bench';
const connection = { host: '127.0.0.1', port: Number(process.argv[2]) };

const id = (jobs, number) => jobs.prefix + String(number).padStart(11, '0');
const data = (jobs) => ({ trace: jobs.trace, body: jobs.payload });
const add = (queue, jobs, number) => queue.add(NAME, data(jobs), { jobId: id(jobs, number) });
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const since = (start, count) => ({ count, seconds: (performance.now() - start) / 1000 });

async function inFlight(queue, jobs, width) {
  let next = 0;
  const run = async () => {
    while (next < jobs.count) await add(queue, jobs, next++);
  };
  await Promise.all(Array.from({ length: width }, run));
}

async function bulk(queue, jobs, size) {
  for (let first = 0; first < jobs.count; first += size) {
    const length = Math.min(size, jobs.count - first);
    const job = (_, at) => ({ name: NAME, data: data(jobs), opts: { jobId: id(jobs, first + at) } });
    await queue.addBulk(Array.from({ length }, job));
  }
}

async function enqueue(queue, { jobs, how }) {
  const start = performance.now();
  if (how === 'one_by_one') {
    for (let number = 0; number < jobs.count; number++) await add(queue, jobs, number);
  } else if (how.in_flight) {
    await inFlight(queue, jobs, how.in_flight);
  } else {
    await bulk(queue, jobs, how.bulk);
  }
  return since(start, jobs.count);
}

async function work({ count, concurrency }) {
  const start = performance.now();
  const worker = new Worker(NAME, async () => null, { connection, concurrency });
  const played = await new Promise((resolve, reject) => {
    let completed = 0;
    // Comes after Redis has acknowledged the end.
    worker.on('completed', () => ++completed === count && resolve(since(start, count)));
    worker.on('failed', (_, error) => reject(error));
  });
  await worker.close();
  return played;
}

async function pickup(queue, jobs, idle) {
  let started = () => {};
  const worker = new Worker(NAME, async () => started(performance.now()), { connection, concurrency: 10 });
  await worker.waitUntilReady();
  const latencies = [];
  for (let number = 0; number < jobs.count; number++) {
    await sleep(idle);
    const at = new Promise((resolve) => (started = resolve));
    const sent = performance.now();
    await add(queue, jobs, number);
    latencies.push((await at) - sent);
  }
  await worker.close();
  const ms = latencies.reduce((sum, one) => sum + one, 0);
  return { count: jobs.count, seconds: ms / 1000, latencies_ms: latencies };
}

async function play(line) {
  const asked = JSON.parse(line);
  if (asked.play === 'receipts') return { count: 0, seconds: 0 };
  const queue = new Queue(NAME, { connection });
  await queue.waitUntilReady();
  try {
    if (asked.play === 'enqueue') return await enqueue(queue, asked);
    if (asked.play === 'process') return await work(asked);
    return await pickup(queue, asked.jobs, 10);
  } finally {
    await queue.close();
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const answer = await play(line).then(
      (played) => ({ played }),
      (error) => ({ error: String(error) }),
    );
    console.log(JSON.stringify(answer));
  }
}

main();
