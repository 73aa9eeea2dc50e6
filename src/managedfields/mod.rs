//! `metadata.managedFields`: its entries, the identity of managers, and how the list is read and
//! written.

mod codec;
mod entry;
mod identifier;
mod time;

pub(crate) use codec::{
    DecodeError, ListReading, ManagedState, RawEntry, ReadSets, read_list, write_members,
    write_time,
};
pub use entry::{ManagedFieldsEntry, Operation};
pub use identifier::ManagerIdentifier;
pub use time::{Time, TimeError};
