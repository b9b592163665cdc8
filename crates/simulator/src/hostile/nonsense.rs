//! Messages that make no sense when they are sent, or that answer something else than what was asked.

use settee_store::{DocumentId, Revision};
use settee_sync::{
    Channel,
    message::{
        Acknowledge, Close, Compare, Differences, Lacking, Message, Offer, Offered, Received, Want,
    },
};

use crate::random::Random;

pub fn message(random: &mut Random, channel: Channel) -> Message {
    let number = u32::try_from(random.below(4)).unwrap_or_default();
    let refused = Vec::new();
    match random.below(8) {
        0 => Acknowledge { channel, batch: number, refused, seq: None, is_current: None }.into(),
        1 => compare(random, channel).into(),
        2 => Want { channel, ids: ids(random) }.into(),
        3 => Lacking { channel, offer: number, ids: ids(random) }.into(),
        4 => Received {}.into(),
        5 => Close { channel }.into(),
        _ => offer(random, channel, number).into(),
    }
}

/// Digests of nothing, so that everything differs.
pub fn compare(random: &mut Random, channel: Channel) -> Compare {
    Compare { channel, buckets: vec![0; 8 << random.below(4)] }
}

/// Asks for some of what differs, or for something else.
pub fn want(random: &mut Random, differences: Differences) -> Want {
    let named = differences.documents.into_iter().flatten().map(|document| document.id);
    let mut wanted: Vec<DocumentId> = named.filter(|_| random.one_in(2)).collect();
    if random.one_in(4) {
        wanted.extend(ids(random));
    }
    Want { channel: differences.channel, ids: wanted }
}

/// Lacks some of what is offered, or something else.
pub fn lacking(random: &mut Random, offer: Offer) -> Lacking {
    let offered = offer.documents.into_iter().map(|document| document.id);
    let mut lacked: Vec<DocumentId> = offered.filter(|_| random.one_in(2)).collect();
    if random.one_in(8) {
        lacked.extend(ids(random));
    }
    Lacking { channel: offer.channel, offer: offer.offer, ids: lacked }
}

/// Offers what is never sent.
fn offer(random: &mut Random, channel: Channel, number: u32) -> Offer {
    let offered = |id| Offered { id, revisions: Revision::new(1, [7; 16]).into_iter().collect() };
    Offer { channel, offer: number, documents: ids(random).into_iter().map(offered).collect() }
}

fn ids(random: &mut Random) -> Vec<DocumentId> {
    let number = random.below(4);
    DocumentId::new(&format!("shared-{number}")).into_iter().collect()
}
