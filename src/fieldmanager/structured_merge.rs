//! Objects held against the types of the endpoint's version, and the engine.

use crate::managedfields::ManagedState;
use crate::merge::{Applier, Engine, Managers, Object, UpdaterError};
use crate::typed::{Comparison, Duplicates, ValidationErrors, Validity, validate};
use crate::value::{Arena, Node, Tag};

use super::chain::{Chain, Stopped};
use super::error::{ApplyError, UpdateError};
use super::object;

/// An object as one of its own kind's type; an object of another kind than the endpoint's is of
/// another type.
fn typed(
    chain: &Chain<'_>,
    arena: &Arena<'_>,
    node: Node,
    duplicates: Duplicates,
) -> Result<Object, ValidationErrors> {
    let ty = if object::is_of_kind(arena, node, chain.endpoint) {
        object::type_of(chain.schemas, chain.endpoint)?
    } else {
        object::type_of(chain.schemas, &object::kind_of(arena, node))?
    };
    validate(arena, node, &ty.schema, ty.id, duplicates)?;
    let validity = match duplicates {
        Duplicates::Allow => Validity::Repeating,
        Duplicates::Refuse => Validity::Strict,
    };
    Ok(Object { node, ty, validity })
}

/// Takes the change from `live` to `new` from everybody in the state and gives it to `writer`.
pub(super) fn update(
    chain: &Chain<'_>,
    arena: &mut Arena<'_>,
    live: Node,
    new: Node,
    state: &mut ManagedState,
    writer: &str,
) -> Result<(), UpdateError> {
    let versions = chain.versions(state);
    let typed = |node| {
        typed(chain, arena, node, Duplicates::Allow)
            .map_err(|errors| (object::describe(arena, node), errors))
    };
    let to = typed(new).map_err(|(object, errors)| UpdateError::TypedNew { object, errors })?;
    let from = typed(live).map_err(|(object, errors)| UpdateError::TypedLive { object, errors })?;
    let mut engine =
        Engine { arena, conversion: &versions, filters: chain.filters, return_input_on_noop: true };
    let updated =
        engine.update(&from, &to, chain.version, &state.managers, writer).map_err(|error| {
            let object = object::describe(engine.arena, new);
            UpdateError::Managers { object, error }
        })?;
    state.managers = updated.managers;
    Ok(())
}

/// What a merge changed.
pub(super) struct Changed {
    /// The new object; none when nothing in it changed.
    pub(super) object: Option<Node>,
    pub(super) comparison: Comparison,
    pub(super) before: Managers,
}

/// Merges a configuration. Of `live` it may be known already that it is of its type.
pub(super) fn apply(
    chain: &Chain<'_>,
    arena: &mut Arena<'_>,
    (live, known): (Node, Option<Node>),
    config: Node,
    state: &mut ManagedState,
    writer: &str,
    force: bool,
) -> Result<Changed, Stopped> {
    let stated = arena
        .member(config, "metadata")
        .and_then(|metadata| arena.member(metadata, "managedFields"));
    if stated.is_some_and(|list| !list.is_null()) {
        return Err(ApplyError::ManagedFields.into());
    }
    let versions = chain.versions(state);
    let from = match known {
        Some(known) if known.is_same(live) => {
            object::type_of(chain.schemas, &object::kind_of(arena, live)).map(|ty| Object {
                node: live,
                ty,
                validity: Validity::Repeating,
            })
        }
        _ => typed(chain, arena, live, Duplicates::Allow).or_else(|_| {
            arena.read_all();
            typed(chain, arena, live, Duplicates::Allow)
        }),
    };
    let mut engine = Engine {
        arena,
        conversion: &versions,
        filters: chain.filters,
        return_input_on_noop: false,
    };
    let laid = match &from {
        Ok(from) if object::is_of_same_kind(engine.arena, live, config) => {
            engine.overlay(from, &from.with_node(config))
        }
        _ => None,
    };
    let stated = match (&laid, &from) {
        (Some(_), Ok(from)) => Ok(from.with_node(config)),
        _ => typed(chain, engine.arena, config, Duplicates::Refuse),
    };
    let stated = stated.map_err(|errors| ApplyError::TypedConfig {
        object: object::describe(engine.arena, config),
        errors,
    })?;
    let from = from.map_err(|errors| ApplyError::TypedLive {
        object: object::describe(engine.arena, live),
        errors,
    })?;
    let applier = Applier { manager: writer, version: chain.version, force };
    let applied = engine.apply(&from, &stated, &state.managers, applier, laid);
    let applied = match applied {
        Ok(applied) => applied,
        Err(UpdaterError::Conflicts(found)) => {
            return Err(Stopped::Conflicts(found, Box::new(state.clone())));
        }
        Err(error) => return Err(ApplyError::Merge(error).into()),
    };
    let before = std::mem::replace(&mut state.managers, applied.managers);
    let comparison = applied.comparison;
    let Some(object) = applied.object else {
        return Ok(Changed { object: None, comparison, before });
    };
    if object.node.tag() != Tag::Map {
        return Err(ApplyError::NoObject { object: object::describe(arena, config) }.into());
    }
    // Only hand-written entries own these, and lose them where the endpoint resets them.
    if ["kind", "apiVersion"].iter().any(|name| arena.member(object.node, name).is_none()) {
        chain.at_endpoint(arena, object.node).map_err(|error| ApplyError::ConvertNew {
            object: object::describe(arena, config),
            error,
        })?;
    }
    let node = match chain.defaulter {
        Some(defaulter) => {
            super::defaults::fill(defaulter, arena, object.node).map_err(ApplyError::Defaults)?
        }
        None => object.node,
    };
    Ok(Changed { object: Some(node), comparison, before })
}
