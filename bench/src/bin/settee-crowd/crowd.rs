//! The command: it writes until its input ends, and then says what all of its clients read.
//!
//! # Layout
//!
//! - [`invitation`]: which list; [`member`]: one client with a database; [`writer`]: what that
//!   client writes; [`todos`]: what is read of a record.
//! - [`outcome`]: what there is when everybody has come to rest; [`word`]: what is printed.

mod invitation;
mod member;
mod outcome;
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

/// Native clients that write to one list until the input ends. Then they come to rest.
///
/// What they have to say is one JSON object a line: `{"ready":true}` once all have the list open,
/// `{"acknowledged":TITLE}` of each todo that the server has, and at last `{"titles":[…],
/// "refused":NUMBER,"stuck":NUMBER}`. Nobody may be stuck, or the program fails.
#[derive(Debug, Parser)]
#[command(name = "settee-crowd", version)]
struct Options {
    /// The server's address for sync, such as <ws://127.0.0.1:3000/sync>
    #[arg(long, value_name = "URL")]
    url: String,
    /// An invitation to the list, to be edited
    #[arg(long, value_name = "LINK")]
    link: String,
    /// How many there are
    #[arg(long, value_name = "COUNT", default_value_t = 10,
        value_parser = clap::value_parser!(u16).range(1..))]
    clients: u16,
    /// Milliseconds between two todos of one client, on average
    #[arg(long, value_name = "NUMBER", default_value_t = 200,
        value_parser = clap::value_parser!(u64).range(1..))]
    pause: u64,
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

/// Says at the end whether everybody has come to rest.
#[tokio::main]
async fn run(options: &Options) -> Result<bool> {
    let list = Invitation::read(&options.link).ok_or("the link is no invitation to a list")?;
    let over = end_of_input();
    let mut members = Vec::with_capacity(options.clients.into());
    for _ in 0..options.clients {
        members.push(Member::join(&options.url, &list).await?);
    }
    // Writers stop when the other end of this is gone.
    let (go, stopping) = watch::channel(());
    let mut writers = JoinSet::new();
    let pause = Duration::from_millis(options.pause);
    tokio::select! {
        worked = work(&members, pause, &mut writers, &stopping) => worked?,
        _ = over => {}
    }
    drop(go);
    for member in &members {
        member.wake();
    }
    let outcome = Outcome::of(&members).await?;
    if outcome.is_good() {
        // What is acknowledged is said before the last line.
        while let Some(ended) = writers.join_next().await {
            ended??;
        }
    }
    writers.shutdown().await;
    say(&outcome)?;
    Ok(outcome.is_good())
}

/// Has everybody write as soon as everybody can. Ends only with the first trouble.
async fn work(
    members: &[Member],
    pause: Duration,
    writers: &mut JoinSet<Result<()>>,
    stopping: &watch::Receiver<()>,
) -> Result<()> {
    for member in members {
        member.opened().await?;
    }
    say(&json!({ "ready": true }))?;
    for (number, member) in members.iter().enumerate() {
        let writer = Writer::new(number, member.database.clone(), pause);
        writers.spawn(writer.run(stopping.clone()));
    }
    while let Some(ended) = writers.join_next().await {
        ended??;
    }
    Ok(())
}

/// Tells when the input ends. It is read by a thread of its own, which ends with the process: no
/// runtime waits for that.
fn end_of_input() -> oneshot::Receiver<()> {
    let (sender, over) = oneshot::channel();
    thread::spawn(move || {
        // Input means nothing, and such that can't be read has ended. Nobody listens when it ends
        // after the last word.
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
