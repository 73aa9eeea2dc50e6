//! Sorting by text, where most is told without a look at the texts.

use std::cmp::Ordering;

use smallvec::SmallVec;

/// What two texts begin with alike.
#[inline]
pub(crate) fn common<'t>(left: &'t [u8], right: &[u8]) -> &'t [u8] {
    if right.starts_with(left) {
        return left;
    }
    let same = left.iter().zip(right).take_while(|(ours, theirs)| ours == theirs).count();
    left.get(..same).unwrap_or_default()
}

/// The places of items in their order; of equal ones the first comes first.
pub(crate) struct Sorted {
    /// Each place in the low bits, and what there is room for of the item's word in the high ones.
    items: SmallVec<[u64; 16]>,
    /// The bits of a place.
    place: u64,
    /// Whether two items are equal.
    pub(crate) repeats: bool,
}

impl Sorted {
    /// Sorts items. Those with different words are ordered as these are, and `cmp` is asked about
    /// others. n log n.
    pub(crate) fn of(
        words: impl Iterator<Item = u64>,
        cmp: impl Fn(usize, usize) -> Ordering,
    ) -> Sorted {
        let mut items: SmallVec<[u64; 16]> = words.collect();
        let first = items.first().copied().unwrap_or_default();
        // The bits that all words begin with tell nothing.
        let alike = items.iter().fold(0, |bits, word| bits | (word ^ first)).leading_zeros();
        let place = (items.len() as u64).next_power_of_two() - 1;
        for (at, item) in items.iter_mut().enumerate() {
            *item = item.checked_shl(alike).unwrap_or_default() & !place | at as u64;
        }
        items.sort_unstable();
        let mut repeats = false;
        for like in items.chunk_by_mut(|left, right| (left ^ right) & !place == 0) {
            if like.len() > 1 {
                let cmp =
                    |left: u64, right: u64| cmp((left & place) as usize, (right & place) as usize);
                like.sort_unstable_by(|left, right| cmp(*left, *right).then(left.cmp(right)));
                repeats |= !like.is_sorted_by(|left, right| cmp(*left, *right).is_lt());
            }
        }
        Sorted { items, place, repeats }
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = usize> {
        self.items.iter().map(|item| (item & self.place) as usize)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Sorted, common};
    use crate::value::prefix_word;

    proptest! {
        /// The order is that of the comparison, of equal texts that in which they stood.
        #[test]
        fn words_change_no_order(texts in prop::collection::vec("ab{0,9}[a-c]{0,3}", 0..40)) {
            let all = || texts.iter().map(String::as_bytes);
            let skipped = all().reduce(common).unwrap_or_default().len();
            let sorted = Sorted::of(
                all().map(|text| prefix_word(text, skipped, text.len())),
                |left, right| texts.get(left).cmp(&texts.get(right)),
            );
            let mut expected: Vec<usize> = (0..texts.len()).collect();
            expected.sort_by_key(|at| texts.get(*at));
            prop_assert_eq!(sorted.places().collect::<Vec<_>>(), expected);
            let distinct: std::collections::HashSet<_> = texts.iter().collect();
            prop_assert_eq!(sorted.repeats, distinct.len() < texts.len());
        }
    }
}
