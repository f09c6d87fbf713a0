//! The end of a group: deleted, and recovered; or forgotten, so that nothing of it is left but its number.

use super::{
    AppId, Gid, GroupId, Millis, Named, Refusal, Topic, audience,
    event::InGroup,
    group::{self, Group},
    kind::GroupKind,
    membership,
    push::Unsubscribed,
    request::Actor,
    state::Change,
    tx::{Deadline, Tx},
};

/// Every member is put out; messages stay readable. Deleting what is not there succeeds.
pub(super) fn delete(tx: &mut Tx, app: &AppId, name: &GroupId, by: Actor) {
    let Some(group) = tx.state.group_named(app, name).filter(|group| group.config.deleted.is_none()) else {
        return;
    };
    let gid = group.config.gid;
    let config = Group { deleted: Some((tx.now, by.user.clone())), ..(*group.config).clone() };
    let members: Vec<_> = group.in_order().into_iter().filter_map(|m| Some((m.user.clone(), m.sid.clone()?))).collect();
    let (kept, kind) = (group::kept_members(tx, gid), config.kind);
    tx.group_event(gid, by, InGroup::Deleted { members: if kind == GroupKind::Community { Vec::new() } else { kept.clone() } });
    // All go at once: nobody is told of each of the others, which would be n² pushes.
    for (user, _) in &members {
        audience::put_out(tx, Topic::Group(gid), Named::Group(name.clone()), user, Unsubscribed::GroupDeleted);
    }
    members.iter().for_each(|(_, sid)| membership::leave(tx, sid, gid, None));
    kept.into_iter().for_each(|user| tx.change(Change::MemberGone(gid, user)));
    group::put(tx, config);
    for gid in tx.state.surplus_deleted(app, tx.rules.quotas.deleted_groups_per_app) {
        forget(tx, gid);
    }
}

/// Stands for the time of deletion of a group that is to be forgotten at once. No clock says it.
pub const FORGOTTEN: Millis = Millis(i64::MIN);

/// The purge takes it at its next step, and nobody can recover it: its name is free, and it has one that no
/// name can be.
pub(super) fn forget(tx: &mut Tx, gid: Gid) {
    if let Some(group) = tx.state.group(gid).map(|group| group.config.clone())
        && let Some((_, by)) = &group.deleted
    {
        let id = GroupId::trusted(&format!("\n{}", gid.0));
        group::put(tx, Group { deleted: Some((FORGOTTEN, by.clone())), id, ..(*group).clone() });
    }
}

/// A deleted group lives again, empty, with its messages and its stream. One that lives stays as it is.
pub(super) fn recover(tx: &mut Tx, app: &AppId, name: &GroupId, by: Actor) -> Result<(), Refusal> {
    let gone = || Refusal::NoSuchGroup(name.to_string());
    let group = tx.state.group_named(app, name).ok_or_else(gone)?.config.clone();
    let Some((at, _)) = group.deleted else { return Ok(()) };
    if is_forgotten(at, tx.now, tx.rules.quotas.deleted_group_days) {
        return Err(gone());
    }
    group::room_for_one_more(tx, app)?;
    let group = group::put(tx, Group { deleted: None, ..(*group).clone() });
    tx.deadlines.push(Deadline::Group(group.gid));
    tx.group_event(group.gid, by, InGroup::Created { members: Vec::new() });
    Ok(())
}

/// It was deleted when the machine had no clock: the time until it is forgotten begins now.
pub fn redate(tx: &mut Tx, gid: Gid) {
    let Some(group) = tx.state.group(gid).map(|group| group.config.clone()) else { return };
    if let Some((_, by)) = &group.deleted {
        group::put(tx, Group { deleted: Some((tx.now, by.clone())), ..(*group).clone() });
    }
}

/// A group that was deleted so long ago cannot be recovered, and is purged. `days` 0: never.
pub fn is_forgotten(deleted: Millis, now: Millis, days: u32) -> bool {
    deleted == FORGOTTEN || days > 0 && deleted.is_credible(now) && now.0 - deleted.0 > i64::from(days) * Millis::DAY
}
