//! The command: its clients write until standard input ends, then it prints what all clients have.
//!
//! # Layout
//!
//! - [`invitation`]: the list. [`member`]: one client with a database. [`writer`]: the edits of
//!   that client. [`quarrel`]: one todo that all edit at once. [`todos`]: the todo of a record.
//! - [`outcome`]: what the clients have once all are synced. [`word`]: output.

mod invitation;
mod member;
mod outcome;
mod quarrel;
mod todos;
mod word;
mod writer;

use std::{error::Error, io, process::ExitCode, thread, time::Duration};

use clap::Parser;
use serde_json::json;
use tokio::{
    sync::{oneshot, watch},
    task::JoinSet,
};

use invitation::Invitation;
use member::Member;
use outcome::Outcome;
use word::say;
use writer::Writer;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Native clients that write to one list until standard input ends, and then wait until all are
/// synced.
///
/// The output has one JSON object a line: `{"ready":true}` once all have opened the list,
/// `{"acknowledged":TITLE}` for each todo that the server has acknowledged, and at the end
/// `{"titles":[…],"refused":NUMBER,"stuck":NUMBER}`. The program fails if clients are stuck.
#[derive(Debug, Parser)]
#[command(name = "settee-crowd", version)]
struct Options {
    /// The server's sync address, such as <ws://127.0.0.1:3000/sync>
    #[arg(long, value_name = "URL")]
    url: String,
    /// A link to the list, with the role of an editor
    #[arg(long, value_name = "LINK")]
    link: String,
    /// Number of clients
    #[arg(long, value_name = "COUNT", default_value_t = 10,
        value_parser = clap::value_parser!(u16).range(1..))]
    clients: u16,
    /// Milliseconds between two todos of one client, on average
    #[arg(long, value_name = "NUMBER", default_value_t = 200,
        value_parser = clap::value_parser!(u64).range(1..))]
    pause: u64,
    /// Before that, let all clients edit one large todo at the same time
    #[arg(long)]
    quarrel: bool,
}

pub fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("settee-crowd: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether all clients are synced at the end.
#[tokio::main]
async fn run(options: &Options) -> Result<bool> {
    let list = Invitation::read(&options.link).ok_or("the link is no invitation to a list")?;
    let over = end_of_input();
    let mut members = Vec::with_capacity(options.clients.into());
    for _ in 0..options.clients {
        members.push(Member::join(&options.url, &list).await?);
    }
    // Writers stop when the sender is dropped.
    let (go, stopping) = watch::channel(());
    let mut writers = JoinSet::new();
    tokio::select! {
        worked = work(&members, options, &mut writers, &stopping) => worked?,
        _ = over => {}
    }
    drop(go);
    for member in &members {
        member.wake();
    }
    let outcome = Outcome::of(&members).await?;
    if outcome.is_good() {
        // All acknowledged titles are printed before the last line.
        while let Some(ended) = writers.join_next().await {
            ended??;
        }
    }
    writers.shutdown().await;
    say(&outcome)?;
    Ok(outcome.is_good())
}

/// Starts all writers once all clients have opened the list. Returns early only with an error.
async fn work(
    members: &[Member],
    options: &Options,
    writers: &mut JoinSet<Result<()>>,
    stopping: &watch::Receiver<()>,
) -> Result<()> {
    for member in members {
        member.opened().await?;
    }
    if options.quarrel {
        quarrel::quarrel(members).await?;
    }
    say(&json!({ "ready": true }))?;
    let pause = Duration::from_millis(options.pause);
    for (number, member) in members.iter().enumerate() {
        let writer = Writer::new(number, member.database.database().clone(), pause);
        writers.spawn(writer.run(stopping.clone()));
    }
    while let Some(ended) = writers.join_next().await {
        ended??;
    }
    Ok(())
}

/// Signals the end of standard input. A thread reads it, because the runtime would wait for a
/// blocking task when the process ends.
fn end_of_input() -> oneshot::Receiver<()> {
    let (sender, over) = oneshot::channel();
    thread::spawn(move || {
        // The input itself is ignored, and an error counts as its end. Sending fails if the program
        // has finished already.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = sender.send(());
    });
    over
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn flags_are_consistent() {
        Options::command().debug_assert();
    }
}
