//! Sets that hold integers beyond 2^53, handled as the reference handles every set.
//!
//! An integer equals a float if the float nearest to it is that float. So one float may equal
//! several integers that differ from each other, and elements that hold such numbers have no total
//! order. The reference keeps the members of a node, and the nodes below it, in two slices each of
//! which is searched by halving. What it finds among these elements, and which spelling stays,
//! hangs on the order of insertion and on where the probes fall. Nothing short of doing the same
//! comes to the same; it is done for these sets alone.

use std::cmp::Ordering;
use std::collections::HashSet;

use crate::deep;

use super::element::Path;
use super::set::{FieldSet, Head, SetRef, Writer, elements};
use super::token;

/// Where an element stands in a sorted sequence, or where it belongs, probed as the reference
/// probes: `order` tells how the element at an index compares with the wanted one.
pub(crate) fn search(len: usize, mut order: impl FnMut(usize) -> Ordering) -> Result<usize, usize> {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low + (high - low) / 2;
        if order(middle) == Ordering::Less {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if low < len && order(low) == Ordering::Equal { Ok(low) } else { Err(low) }
}

/// A sequence kept sorted by inserting. In pieces, so that no insertion moves all that follows.
pub(crate) struct Sorted<T> {
    pieces: Vec<Vec<T>>,
    /// How many elements stand in front of each piece.
    starts: Vec<usize>,
    len: usize,
}

impl<T> Default for Sorted<T> {
    fn default() -> Sorted<T> {
        Sorted { pieces: Vec::new(), starts: Vec::new(), len: 0 }
    }
}

impl<T> Sorted<T> {
    const PIECE: usize = 512;

    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let piece = self.piece_of(index);
        let start = self.starts.get(piece)?;
        self.pieces.get_mut(piece)?.get_mut(index - start)
    }

    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        let piece = self.piece_of(index);
        let start = self.starts.get(piece)?;
        self.pieces.get(piece)?.get(index - start)
    }

    fn piece_of(&self, index: usize) -> usize {
        self.starts.partition_point(|start| *start <= index).saturating_sub(1)
    }

    /// See [`search`].
    pub(crate) fn find(&self, mut order: impl FnMut(&T) -> Ordering) -> Result<usize, usize> {
        search(self.len, |index| self.get(index).map_or(Ordering::Greater, &mut order))
    }

    pub(crate) fn insert(&mut self, index: usize, element: T) {
        let at = self.piece_of(index);
        self.len += 1;
        let (Some(piece), Some(start)) = (self.pieces.get_mut(at), self.starts.get(at).copied())
        else {
            self.pieces.push(vec![element]);
            self.starts.push(0);
            return;
        };
        let offset = (index - start).min(piece.len());
        piece.insert(offset, element);
        let rest = (piece.len() > Self::PIECE).then(|| piece.split_off(Self::PIECE / 2));
        for later in self.starts.iter_mut().skip(at + 1) {
            *later += 1;
        }
        if let Some(rest) = rest {
            self.pieces.insert(at + 1, rest);
            self.starts.insert(at + 1, start + Self::PIECE / 2);
        }
    }

    pub(crate) fn into_vec(self) -> Vec<T> {
        self.pieces.into_iter().flatten().collect()
    }
}

/// The members of a node of a set, and the nodes below it, each in the order of the reference.
#[derive(Default)]
pub(super) struct Node<'a> {
    pub(super) members: Vec<&'a [u8]>,
    pub(super) nodes: Vec<(&'a [u8], Node<'a>)>,
}

impl<'a> Node<'a> {
    pub(super) fn of(set: SetRef<'a>) -> Node<'a> {
        let mut node = Node::default();
        for child in set.children() {
            if child.member {
                node.members.push(child.token);
            }
            if !child.subset.is_empty() {
                node.nodes.push((child.token, Node::of(child.subset)));
            }
        }
        node
    }

    fn insert(&mut self, path: &'a [String]) {
        let Some((element, below)) = path.split_first() else { return };
        let element = element.as_bytes();
        let order = |known: Option<&[u8]>| {
            known.map_or(Ordering::Greater, |known| token::cmp(known, element))
        };
        if below.is_empty() {
            let members = &mut self.members;
            let at = search(members.len(), |at| order(members.get(at).copied()));
            if let Err(at) = at {
                members.insert(at, element);
            }
            return;
        }
        let nodes = &mut self.nodes;
        let at = search(nodes.len(), |at| order(nodes.get(at).map(|node| node.0)));
        let at = at.unwrap_or_else(|at| {
            nodes.insert(at, (element, Node::default()));
            at
        });
        if let Some((_, node)) = nodes.get_mut(at) {
            node.insert(below);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.nodes.iter().all(|(_, node)| node.is_empty())
    }

    fn has(&self, element: &[u8]) -> bool {
        let order = |at: usize| self.members.get(at).map(|member| token::cmp(member, element));
        search(self.members.len(), |at| order(at).unwrap_or(Ordering::Greater)).is_ok()
    }

    /// Lays the node out on a tape. A member and a node of one spelling are one entry; of two
    /// spellings they are two, the member in front.
    fn write(&self, out: &mut Writer) {
        let put = |out: &mut Writer, (element, node): &(&[u8], Node<'_>), member: bool| {
            let entry = out.push(element, member);
            node.write(out);
            out.close_or_drop(entry);
        };
        zip(
            &self.members,
            &self.nodes,
            |member| member,
            |node| node.0,
            |member, node| match (member, node) {
                (Some(member), Some(node)) if *member == node.0 => put(out, node, true),
                (member, node) => {
                    if let Some(member) = member {
                        out.push(member, true);
                    }
                    if let Some(node) = node {
                        put(out, node, false);
                    }
                }
            },
        );
    }
}

/// A node that grows path by path.
#[derive(Default)]
struct Growing<'a> {
    members: Sorted<&'a [u8]>,
    nodes: Sorted<(&'a [u8], Growing<'a>)>,
}

impl<'a> Growing<'a> {
    /// Each path is searched for from the root, as the reference does: it may miss a node that the
    /// path before it went through.
    fn insert(&mut self, path: &[&'a [u8]]) {
        let Some((last, through)) = path.split_last() else { return };
        let mut node = self;
        for element in through {
            let at = node.nodes.find(|(known, _)| token::cmp(known, element));
            let at = at.unwrap_or_else(|at| {
                node.nodes.insert(at, (element, Growing::default()));
                at
            });
            let Some((_, below)) = node.nodes.get_mut(at) else { return };
            node = below;
        }
        insert_into(&mut node.members, last);
    }

    fn finish(self) -> Node<'a> {
        let below = |(element, node): (&'a [u8], Growing<'a>)| (element, node.finish());
        Node {
            members: self.members.into_vec(),
            nodes: self.nodes.into_vec().into_iter().map(below).collect(),
        }
    }
}

/// What inserting the elements one after the other comes to.
pub(super) fn inserted<'a>(elements: impl Iterator<Item = &'a [u8]>) -> Vec<&'a [u8]> {
    let mut members = Sorted::default();
    elements.for_each(|element| insert_into(&mut members, element));
    members.into_vec()
}

fn insert_into<'a>(members: &mut Sorted<&'a [u8]>, element: &'a [u8]) {
    if let Err(at) = members.find(|member| token::cmp(member, element)) {
        members.insert(at, element);
    }
}

/// Walks two sequences side by side; what compares as equal is met together.
fn zip<L, R>(
    left: impl IntoIterator<Item = L>,
    right: impl IntoIterator<Item = R>,
    of_left: impl Fn(&L) -> &[u8],
    of_right: impl Fn(&R) -> &[u8],
    mut met: impl FnMut(Option<L>, Option<R>),
) {
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    loop {
        let order = match (left.peek(), right.peek()) {
            (Some(ours), Some(theirs)) => token::cmp(of_left(ours), of_right(theirs)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return,
        };
        let ours = if order.is_le() { left.next() } else { None };
        met(ours, if order.is_ge() { right.next() } else { None });
    }
}

type Named<'a> = (&'a [u8], Node<'a>);

/// Combines two nodes by a rule for members and one for the nodes below.
fn combine<'a>(
    left: Node<'a>,
    right: Node<'a>,
    keep_member: impl Fn(Option<&'a [u8]>, Option<&'a [u8]>) -> Option<&'a [u8]>,
    keep_node: impl Fn(Option<Named<'a>>, Option<Named<'a>>) -> Option<Named<'a>>,
) -> Node<'a> {
    let mut out = Node::default();
    zip(
        left.members,
        right.members,
        |token| token,
        |token| token,
        |ours, theirs| {
            out.members.extend(keep_member(ours, theirs));
        },
    );
    zip(
        left.nodes,
        right.nodes,
        |node| node.0,
        |node| node.0,
        |ours, theirs| {
            out.nodes.extend(keep_node(ours, theirs));
        },
    );
    out
}

fn filled<'a>(element: &'a [u8], node: Node<'a>) -> Option<Named<'a>> {
    (!node.is_empty()).then_some((element, node))
}

/// An operation of the algebra on two nodes.
pub(super) type Operation = for<'a> fn(Node<'a>, Node<'a>) -> Node<'a>;

/// Of members the right side's spelling stays, of nodes the left side's.
pub(super) fn union<'a>(left: Node<'a>, right: Node<'a>) -> Node<'a> {
    combine(
        left,
        right,
        |ours, theirs| theirs.or(ours),
        |ours, theirs| match (ours, theirs) {
            (Some((element, ours)), Some((_, theirs))) => Some((element, union(ours, theirs))),
            (ours, theirs) => ours.or(theirs),
        },
    )
}

pub(super) fn intersection<'a>(left: Node<'a>, right: Node<'a>) -> Node<'a> {
    combine(
        left,
        right,
        |ours, theirs| theirs.and(ours),
        |ours, theirs| {
            let ((element, ours), (_, theirs)) = ours.zip(theirs)?;
            filled(element, intersection(ours, theirs))
        },
    )
}

fn without<'a>(ours: Option<&'a [u8]>, theirs: Option<&'a [u8]>) -> Option<&'a [u8]> {
    ours.filter(|_| theirs.is_none())
}

pub(super) fn difference<'a>(left: Node<'a>, right: Node<'a>) -> Node<'a> {
    combine(left, right, without, |ours, theirs| match (ours, theirs) {
        (Some((element, ours)), Some((_, theirs))) => filled(element, difference(ours, theirs)),
        (ours, _) => ours,
    })
}

pub(super) fn recursive_difference<'a>(left: Node<'a>, right: Node<'a>) -> Node<'a> {
    let taken = Node { members: right.members.clone(), nodes: Vec::new() };
    combine(left, right, without, |ours, theirs| {
        let (element, ours) = ours.filter(|(element, _)| !taken.has(element))?;
        match theirs {
            Some((_, theirs)) => filled(element, recursive_difference(ours, theirs)),
            None => Some((element, ours)),
        }
    })
}

pub(super) fn leaves(node: Node<'_>) -> Node<'_> {
    let mut out = Node::default();
    zip(
        node.members,
        &node.nodes,
        |token| token,
        |node| node.0,
        |member, node| {
            out.members.extend(member.filter(|_| node.is_none()));
        },
    );
    out.nodes = node.nodes.into_iter().map(|(element, node)| (element, leaves(node))).collect();
    out
}

fn equal(left: &Node<'_>, right: &Node<'_>) -> bool {
    left.members.len() == right.members.len()
        && left.nodes.len() == right.nodes.len()
        && left.members.iter().zip(&right.members).all(|(ours, theirs)| token::eq(ours, theirs))
        && (left.nodes.iter().zip(&right.nodes))
            .all(|(ours, theirs)| token::eq(ours.0, theirs.0) && equal(&ours.1, &theirs.1))
}

pub(super) fn are_equal(left: &FieldSet, right: &FieldSet) -> bool {
    deep::with_stack(left.depth().max(right.depth()), || {
        equal(&Node::of(left.as_set_ref()), &Node::of(right.as_set_ref()))
    })
}

/// Writes a set down, with nothing above it that goes deeper than `depth`.
pub(super) fn to_set(node: &Node<'_>, depth: usize) -> FieldSet {
    let mut out = Writer::default();
    node.write(&mut out);
    out.finish_wide(depth)
}

pub(super) fn operate(left: &FieldSet, right: &FieldSet, operation: Operation) -> FieldSet {
    let depth = left.depth().max(right.depth());
    deep::with_stack(depth, || {
        let result = operation(Node::of(left.as_set_ref()), Node::of(right.as_set_ref()));
        to_set(&result, depth)
    })
}

pub(super) fn change(
    set: &FieldSet,
    change: impl for<'a> FnOnce(Node<'a>) -> Node<'a> + Send,
) -> FieldSet {
    deep::with_stack(set.depth(), || to_set(&change(Node::of(set.as_set_ref())), set.depth()))
}

pub(super) fn insert(set: &FieldSet, path: &Path) -> FieldSet {
    let elements: Vec<String> = path.elements().iter().map(token::of).collect();
    let depth = set.depth().max(elements.len());
    deep::with_stack(depth, || {
        let mut node = Node::of(set.as_set_ref());
        node.insert(&elements);
        to_set(&node, depth)
    })
}

/// The set that inserting the paths of an unsorted tape one after the other comes to; what is below
/// an element before the element itself, as walks over values do. Those at some places are inserted
/// `again`.
pub(super) fn insert_all(tape: &[u8], again: &[usize], depth: usize) -> FieldSet {
    let again: HashSet<usize> = again.iter().copied().collect();
    deep::with_stack(depth, || {
        let mut root = Growing::default();
        let mut path: Vec<&[u8]> = Vec::new();
        // The open elements: where each ends, and how often it is inserted.
        let mut open: Vec<(usize, usize)> = Vec::new();
        let mut close = |open: &mut Vec<(usize, usize)>, path: &mut Vec<_>, at: usize| {
            while let Some((_, times)) = open.pop_if(|(end, _)| *end <= at) {
                for _ in 0..times {
                    root.insert(path);
                }
                path.pop();
            }
        };
        for (place, head, token) in elements(tape) {
            close(&mut open, &mut path, place);
            path.push(token);
            let times = usize::from(head.is_member()) + usize::from(again.contains(&place));
            open.push((place + Head::SIZE + head.len() + head.below(), times));
        }
        close(&mut open, &mut path, usize::MAX);
        to_set(&root.finish(), depth)
    })
}
