//! Laying a tape in order.
#![expect(
    clippy::indexing_slicing,
    reason = "all indices are positions of the same tape, whose counts are right"
)]

use smallvec::SmallVec;

use super::set::{Entry, FieldSet, Writer, Written};
use super::token;

/// What to do with several subtrees of one element.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeats {
    Unite,
    /// The last one that holds anything counts, as the reference reads FieldsV1.
    LastCounts,
}

/// Sorts a tape and merges repeated elements, without recursion, moving every entry once.
pub(super) fn normalise(pool: &str, tape: &[Entry], depth: usize, repeats: Repeats) -> FieldSet {
    type Ranges = SmallVec<[(usize, usize); 1]>;
    struct Group {
        first: usize,
        /// Whose spelling counts: the first with something below it, else the first.
        spelled: usize,
        member: bool,
        below: Ranges,
    }
    struct Frame {
        groups: std::vec::IntoIter<Group>,
        entry: Option<Written>,
    }
    // Where each token begins, and where the last one ends.
    let mut starts = Vec::with_capacity(tape.len() + 1);
    starts.push(0);
    starts.extend(tape.iter().scan(0, |end, entry| {
        *end += entry.len();
        Some(*end)
    }));
    let text = |at: usize| &pool[starts[at]..starts[at + 1]];
    let groups = |ranges: &[(usize, usize)]| {
        let mut children: Vec<usize> = Vec::new();
        for (start, end) in ranges {
            let mut at = *start;
            while at < *end {
                children.push(at);
                at += 1 + tape[at].count as usize;
            }
        }
        if !children.windows(2).all(|pair| token::cmp(text(pair[0]), text(pair[1])).is_lt()) {
            let order = token::sorted(children.iter().map(|at| text(*at)));
            children = order.iter().map(|place| children[*place as usize]).collect();
        }
        let mut groups: Vec<Group> = Vec::with_capacity(children.len());
        for at in children {
            let entry = tape[at];
            let below = (at + 1, at + 1 + entry.count as usize);
            let before = groups.last_mut().filter(|group| token::eq(text(group.first), text(at)));
            let group = match before {
                Some(group) => group,
                None => {
                    groups.push(Group {
                        first: at,
                        spelled: at,
                        member: false,
                        below: Ranges::new(),
                    });
                    let last = groups.len() - 1;
                    &mut groups[last]
                }
            };
            group.member |= entry.is_member();
            if entry.count > 0 {
                if group.below.is_empty() {
                    group.spelled = at;
                }
                if repeats == Repeats::LastCounts {
                    group.below.clear();
                }
                group.below.push(below);
            }
        }
        groups.into_iter()
    };
    let out_of_order = out_of_order(text, tape);
    let mut out = Writer::with_capacity(pool.len(), tape.len());
    let mut frames = vec![Frame { groups: groups(&[(0, tape.len())]), entry: None }];
    while let Some(frame) = frames.last_mut() {
        match frame.groups.next() {
            Some(group) => {
                let index = out.push(text(group.spelled), group.member);
                match group.below.as_slice() {
                    [] => {}
                    [(start, end)] if !out_of_order[start - 1] => {
                        out.copy(&pool[starts[*start]..starts[*end]], &tape[*start..*end]);
                        out.close(index);
                    }
                    below => frames.push(Frame { groups: groups(below), entry: Some(index) }),
                }
            }
            None => {
                if let Some(entry) = frame.entry {
                    out.close(entry);
                }
                frames.pop();
            }
        }
    }
    out.finish(depth)
}

/// For each entry whether anything below it stands out of order, or twice.
fn out_of_order<'a>(text: impl Fn(usize) -> &'a str, tape: &[Entry]) -> Vec<bool> {
    let mut found = vec![false; tape.len()];
    // The open elements: where each ends, itself, and its last child.
    let mut open: Vec<(usize, usize, Option<usize>)> = Vec::new();
    for (index, entry) in tape.iter().enumerate() {
        while open.pop_if(|(end, ..)| *end <= index).is_some() {}
        let before = open.last_mut().and_then(|(.., last)| last.replace(index));
        let ascends = |before: usize| token::cmp(text(before), text(index)).is_lt();
        if !before.is_none_or(ascends) {
            for (_, above, _) in open.iter().rev() {
                if std::mem::replace(&mut found[*above], true) {
                    break;
                }
            }
        }
        if entry.count > 0 {
            open.push((index + 1 + entry.count as usize, index, None));
        }
    }
    found
}
