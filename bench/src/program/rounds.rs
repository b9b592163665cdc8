//! Several rounds that measure Settee and then each peer, so that a temporary slowdown of the
//! machine affects all of them.

use settee_bench::statistics::median;

use super::{
    Result,
    figure::{Figure, SETTEE, rounded},
    limited, memory,
    peers::{self, Peer},
    report::Report,
    server::Server,
    sync,
};

/// How durable a document is when the server acknowledges it or sends it to others.
const NOTE: &str = "SQLite with synchronous=FULL: on the disk before it is acknowledged or sent on";

/// Which cases to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cases {
    All,
    Memory,
}

/// Measures several rounds and reports the median of each figure.
pub async fn measure(cases: Cases, peers: &[Peer], count: usize, report: &mut Report) {
    let mut peers = installed(peers, report);
    if !peers.is_empty() {
        report.note(SETTEE, NOTE);
    }
    for peer in &peers {
        report.note(peer.name, peer.note);
    }
    let mut measured = Vec::new();
    for round in 1..=count {
        eprintln!("» round {round} of {count}");
        match ours(cases).await {
            Ok(figures) => measured.extend(figures),
            Err(error) => {
                report.trouble("sync", &error);
                break;
            }
        }
        peers.retain(|peer| {
            let figures = peer.measure().map_err(|error| report.trouble(peer.name, &error));
            figures.map(|figures| measured.extend(figures)).is_ok()
        });
    }
    report.add("sync", Ok(medians(&measured)));
}

/// Measures one round, with a new server.
async fn ours(cases: Cases) -> Result<Vec<Figure>> {
    let server = Server::start()?;
    let mut figures = limited(memory::documents(&server)).await?;
    if cases == Cases::All {
        figures.extend(limited(sync::bulk(&server)).await?);
        figures.extend(limited(sync::live(&server)).await?);
        figures.extend(limited(sync::fan_out(&server)).await?);
    }
    Ok(figures)
}

fn installed(peers: &[Peer], report: &mut Report) -> Vec<Peer> {
    let mut installed = peers.to_vec();
    installed.retain(|peer| {
        peers::install(peer.name).map_err(|error| report.trouble(peer.name, &error)).is_ok()
    });
    installed
}

/// The median of all figures of the same name and system, in the order in which they first appear.
fn medians(measured: &[Figure]) -> Vec<Figure> {
    let is_same = |one: &Figure, other: &Figure| one.bench == other.bench && one.peer == other.peer;
    let mut medians: Vec<Figure> = Vec::new();
    for figure in measured {
        if medians.iter().any(|known| is_same(known, figure)) {
            continue;
        }
        let same = measured.iter().filter(|other| is_same(figure, other));
        let values: Vec<f64> = same.map(|other| other.value).collect();
        medians.push(Figure { value: rounded(median(&values), 3), ..figure.clone() });
    }
    medians
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_of_one_figure_of_one_system() {
        let ours = |value| Figure::new("live_p50_ms", value, "ms");
        let theirs = |value| Figure { peer: "yjs".into(), ..ours(value) };
        let measured = [ours(3.0), theirs(9.0), ours(1.0), theirs(7.0), ours(2.0), theirs(8.0)];
        assert_eq!(medians(&measured), [ours(2.0), theirs(8.0)]);
    }
}
