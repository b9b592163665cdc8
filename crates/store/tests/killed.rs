//! Commits that were acknowledged survive kill -9, and others are there as a whole or not at all.
//!
//! The test starts itself as another process, which writes to a file and prints each commit that
//! the store has acknowledged. It is killed at any moment, from before the file exists to the
//! middle of a write. The checks rely only on what it has printed by then, so any moment is valid.
#![cfg(all(feature = "sqlite", not(target_arch = "wasm32")))]
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::json;
use settee_store::{Body, Change, Database, DocumentId, Edit, Sqlite, Storage};
use tempfile::TempDir;

/// The environment variable with the file's path, for the process that is killed.
const FILE: &str = "SETTEE_KILLED_FILE";
/// Databases that are written to at the same time, so that commits are grouped.
const LANES: usize = 3;
/// Documents that every batch edits, besides a new one that it creates.
const SHARED: usize = 4;
const CHANGES: u64 = SHARED as u64 + 1;
/// Batches after which a process ends if it wasn't killed.
const ENOUGH: u64 = 2_000;

const FILES: usize = 25;
const KILLS_OF_A_FILE: usize = 9;

// -------------------------------------------------------------------------------------------
// The process that is killed

/// Writes until it is killed. Does nothing when it runs as one of the tests.
#[test]
fn the_process_that_is_killed() {
    let Some(file) = env::var_os(FILE) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        say("started");
        let sqlite = Sqlite::open(file).unwrap();
        say("opened");
        join_all((0..LANES).map(|lane| write_on(&sqlite, lane))).await;
    });
}

async fn write_on(sqlite: &Sqlite, lane: usize) {
    let database = sqlite.create(&name(lane), [1; 16], Vec::new()).await.unwrap();
    let database = Database::new(database);
    say(&format!("made {lane}"));
    let first = database.seq() / CHANGES + 1;
    for batch in first..first + ENOUGH {
        write(&database, batch).await;
        say(&format!("{lane} {batch}"));
    }
}

/// Prints a line directly, because the test harness captures what `println!` prints.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\nsettee: {line}\n").as_bytes()).and_then(|()| out.flush()).unwrap();
}

fn name(lane: usize) -> String {
    format!("lane {lane}")
}

async fn write(database: &Database, batch: u64) {
    let body = || Change::Put(Body::from_serialize(&json!({ "batch": batch })).unwrap());
    let mut edits = Vec::new();
    for number in 0..SHARED {
        let id = DocumentId::new(&format!("shared/{number}")).unwrap();
        let seen = database.get(&id).await.unwrap().map(|document| document.leaves);
        edits.push(Edit { id, seen: seen.unwrap_or_default(), change: body() });
    }
    let id = DocumentId::new(&format!("batch/{batch}")).unwrap();
    edits.push(Edit { id, seen: Vec::new(), change: body() });
    for outcome in database.write(edits).await.unwrap() {
        outcome.unwrap();
    }
}

// -------------------------------------------------------------------------------------------
// The process that kills

/// A process that doesn't outlive the test.
struct Victim {
    process: Child,
    said: BufReader<ChildStdout>,
}

impl Victim {
    fn start(file: &Path) -> Self {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["--exact", "the_process_that_is_killed", "--nocapture"])
            .env(FILE, file)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap());
        Self { process, said }
    }

    /// Reads until this many lines were printed.
    fn hear(&mut self, lines: u64, heard: &mut Heard) {
        let mut count = 0;
        let mut line = String::new();
        while count < lines && self.said.read_line(&mut line).unwrap() > 0 {
            count += u64::from(heard.take_in(&line));
            line.clear();
        }
        assert_eq!(count, lines, "the process ended by itself");
    }

    /// Sends SIGKILL, and reads what is still in the pipe.
    fn kill(mut self, heard: &mut Heard) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        for line in rest.split_inclusive('\n') {
            heard.take_in(line);
        }
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the processes of one file have printed.
#[derive(Default)]
struct Heard {
    has_opened: bool,
    made_lanes: [bool; LANES],
    /// The last batch of each lane that was acknowledged.
    acknowledged: [u64; LANES],
}

impl Heard {
    /// Parses a line. Returns whether it is complete and not the test harness's.
    fn take_in(&mut self, text: &str) -> bool {
        let Some(text) = text.strip_prefix("settee: ").and_then(|text| text.strip_suffix('\n'))
        else {
            return false;
        };
        match text.split_once(' ') {
            None => self.has_opened |= text == "opened",
            Some(("made", lane)) => self.made_lanes[lane.parse::<usize>().unwrap()] = true,
            Some((lane, number)) => {
                let last = &mut self.acknowledged[lane.parse::<usize>().unwrap()];
                let number = number.parse().unwrap();
                assert!(number > *last, "the sequence has gone back");
                *last = number;
            }
        }
        true
    }
}

/// Checks a file's databases. Returns the last batch of each.
async fn check(file: &Path, heard: &Heard) -> [u64; LANES] {
    let sqlite = Sqlite::open(file).unwrap();
    let mut found = [0; LANES];
    for (lane, found) in found.iter_mut().enumerate() {
        let Some(database) = sqlite.find(&name(lane)).await.unwrap() else {
            assert!(!heard.made_lanes[lane], "a database is gone");
            continue;
        };
        let database = Database::new(database);
        assert!(database.unreadable().await.unwrap().is_empty());
        let records = database.changes(0, usize::MAX).await.unwrap();
        let batch_of = |record: &settee_store::Record| {
            let document = record.document().unwrap();
            assert!(document.conflicts.is_empty() && document.leaves.len() == 1);
            document.body.fields()["batch"].as_u64().unwrap()
        };
        let last = records.last().map_or(0, |record| batch_of(record));
        let (acknowledged, seq) = (heard.acknowledged[lane], database.seq());
        assert!(last >= acknowledged, "batch {acknowledged} is lost, {last} is the last");
        assert_eq!(seq, last * CHANGES, "a batch is there in part");
        assert!(records.iter().map(|record| record.seq).is_sorted_by(|a, b| a < b));
        assert!(records.last().is_none_or(|record| record.seq == seq));
        let (shared, made): (Vec<_>, Vec<_>) =
            records.iter().partition(|record| record.id.as_str().starts_with("shared/"));
        assert_eq!(shared.len(), if last == 0 { 0 } else { SHARED });
        assert!(shared.iter().all(|record| batch_of(record) == last), "a batch is there in part");
        let made: Vec<u64> = made.into_iter().map(|record| batch_of(record)).collect();
        assert_eq!(made, (1..=last).collect::<Vec<_>>(), "a batch is missing");
        assert_eq!(database.counts().await.unwrap().documents, records.len());
        *found = last;
    }
    sqlite.close().await;
    found
}

/// Copies the files that the killed process has left, so that a check doesn't repair the original.
/// The shared-memory file is left out: it is worthless without a running process.
fn copied(from: &Path, to: &Path) -> PathBuf {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if !entry.file_name().to_string_lossy().ends_with("-shm") {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
    to.join("settee.db")
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

#[tokio::test]
async fn acknowledged_commits_survive_and_no_commit_is_written_in_part() {
    let mut random = Random(1);
    let (mut early, mut writing, mut batches) = (0, 0, 0);
    for _ in 0..FILES {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("settee.db");
        let mut heard = Heard::default();
        for kill in 0..KILLS_OF_A_FILE {
            let before = heard.acknowledged;
            heard.has_opened = false;
            let mut victim = Victim::start(&file);
            // Before it runs, while it opens the file, while it creates the databases, or later.
            let lines = if kill % 3 == 0 { random.below(3) } else { random.below(24) };
            victim.hear(lines, &mut heard);
            thread::sleep(Duration::from_micros(random.below(6_000)));
            victim.kill(&mut heard);
            early += usize::from(!heard.has_opened);
            writing += usize::from(heard.acknowledged != before);

            // The next process finds the file as it was left, and may be killed while repairing it.
            let copy = TempDir::new().unwrap();
            check(&copied(folder.path(), copy.path()), &heard).await;
        }
        let found = check(&file, &heard).await;
        let sqlite = Sqlite::open(&file).unwrap();
        for (lane, last) in found.into_iter().enumerate() {
            let database = sqlite.create(&name(lane), [1; 16], Vec::new()).await.unwrap();
            write(&Database::new(database), last + 1).await;
            heard.take_in(&format!("settee: {lane} {}\n", last + 1));
        }
        sqlite.close().await;
        batches += check(&file, &heard).await.iter().sum::<u64>();
    }
    let kills = FILES * KILLS_OF_A_FILE;
    println!(
        "{kills} kills: {early} before the file was open, {writing} in the middle of writing; \
         {batches} batches"
    );
    assert!(writing > kills / 4, "most were killed before they could write");
}
