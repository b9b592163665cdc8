//! Sorting with little code. Each instance of the standard sorts takes 10 to 60 kB of WebAssembly,
//! and this takes 1. It suits the few items that a document has: with many it is slower than they are.

use std::{cmp::Ordering, collections::BinaryHeap};

type Compare<T> = fn(&T, &T) -> Ordering;

struct Item<T>(T, Compare<T>);

impl<T> Ord for Item<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.1)(&self.0, &other.0)
    }
}

impl<T> PartialOrd for Item<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Item<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Item<T> {}

/// Sorts in `O(n log n)`. Items that compare as equal end up in any order.
pub fn heap_sort<T>(items: &mut Vec<T>, compare: Compare<T>) {
    if items.is_sorted_by(|one, other| compare(one, other).is_le()) {
        return;
    }
    let heap: BinaryHeap<Item<T>> = items.drain(..).map(|item| Item(item, compare)).collect();
    items.extend(heap.into_sorted_vec().into_iter().map(|Item(item, _)| item));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_sorted() {
        for count in 0_u32..40 {
            let mut items: Vec<u32> =
                (0..count).map(|n| n.wrapping_mul(0x9e37_79b9) % 10).collect();
            let mut expected = items.clone();
            expected.sort_unstable();
            heap_sort(&mut items, Ord::cmp);
            assert_eq!(items, expected);
        }
    }
}
