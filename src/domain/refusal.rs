//! Why a command was refused. Each dialect and the socket wire have their own code for each of these.

use super::direct::ACK_WITHIN;
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    NoSuchApp(String),
    AppDisabled(String),
    TooManyApps(u32),
    NoSuchKey(String),
    NoSuchGroup(String),
    GroupDeleted(String),
    /// Too many live groups in an application.
    TooManyGroups(u32),
    /// The group has no member online, so there is nobody to send to.
    GroupEmpty(String),
    /// More message types than a group may have.
    TooManyTypes(u32),
    NotInGroup(String),
    /// The user that a command names is not in the group; with `NotInGroup` it is who commands.
    NoSuchMember {
        user: String,
        group: String,
    },
    NoSuchMessage(String),
    /// The user has no client that is connected at this moment.
    NotConnected(String),
    /// The user's client did not confirm a message in time.
    NotConfirmed(String),
    /// The user may not do this.
    NotAllowed(String),
    Muted,
    /// The moderation says no, and perhaps why.
    Moderated(String),
    /// More messages than one sender may send, or may have waiting.
    TooFast(&'static str),
    TooManyMutes(u32),
    TooManyBans(u32),
    TooManyAdmins(u32),
    /// More keys or bytes than a group's metadata may have: how many.
    TooMuchMetadata(String),
    /// More keys than a business may keep with a group or a member.
    TooMuchData {
        keys: usize,
        most: u32,
    },
    /// The user may not come into the group, or be made its owner.
    Banned {
        user: String,
        group: String,
    },
    /// As many members as the group may have.
    GroupFull(String),
    WebhookExists,
    NoWebhook,
    /// A webhook token that is set for the first time needs its text and its switch.
    TokenIncomplete,
    /// There is no such user in the application.
    NoSuchAccount(String),
    /// As many users as an application may have.
    TooManyAccounts(u32),
    /// The business says no; `code`: its own.
    HookRefused {
        code: Option<u32>,
        info: String,
    },
    /// The business said nothing in time, and then nothing may be said.
    HookSilent,
    /// The group has had as many messages as it may have in a second.
    GroupTooFast,
    /// The owner may not leave its group.
    OwnerCannotQuit(String),
    /// As many groups as a user may be in.
    TooManyJoined(u32),
    /// The login was made before its user was kicked.
    LoginRevoked,
    NoSuchSubscription(String),
    /// Too many subscriptions in an application …
    TooManySubscriptions(u32),
    /// … or among them for all channels.
    TooManyForAllChannels(u32),
    /// A channel that is not open.
    NoSuchChannel(String),
    NotInChannel {
        user: String,
        channel: String,
    },
    /// The join token is not for this user and channel, or is wrongly signed.
    BadTicket(String),
    TicketExpired(String),
    /// Too many users in a channel for a list of them.
    ChannelTooLarge(String),
    /// What groups can do and channels cannot.
    NotForChannels(&'static str),
    /// Too many groups or channels for one session.
    TooManyChannels(u32),
    AlreadySubscribed(String),
    /// The member list of a super-large group is not kept, for `presence` (108 on the socket) …
    TooLarge(String),
    /// … and for the list of users (443).
    NoList(String),
    /// A position that is not in the stream any more, or of another stream.
    Unrecoverable,
    /// `what` of a message has more bytes than it may.
    MessageTooLong {
        what: &'static str,
        bytes: usize,
        most: u32,
    },
    /// A value outside its bounds: the parameter and what is wrong with it.
    Bad {
        what: &'static str,
        why: String,
    },
    /// The group has had as many messages as it can number.
    StreamFull(String),
    /// The connection has no session (any more).
    NoSession,
    /// The store could not commit; nothing of the command was done, try again.
    Unavailable,
    /// A defect of ours.
    Internal,
    /// The queue to the engine is full; try again.
    Busy,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Refusal::NoSuchApp(id) => write!(f, "application {id} does not exist"),
            Refusal::AppDisabled(id) => write!(f, "application {id} is disabled"),
            Refusal::TooManyApps(n) => write!(f, "there are {n} applications already, the most that limits.apps allows"),
            Refusal::NoSuchKey(id) => write!(f, "access key {id} does not exist"),
            Refusal::NoSuchGroup(id) => write!(f, "group {id} does not exist"),
            Refusal::TooMuchData { keys, most } => write!(f, "there would be {keys} keys of custom data, and {most} are allowed; delete some first"),
            Refusal::NoSuchAccount(user) => write!(f, "user {user} does not exist; import it first"),
            Refusal::TooManyAccounts(n) => write!(f, "the application has {n} users already, the most that limits.accounts_per_app allows; delete some"),
            Refusal::HookRefused { info, .. } if info.is_empty() => write!(f, "the application's own server refused it"),
            Refusal::HookRefused { info, .. } => f.write_str(info),
            Refusal::HookSilent => write!(f, "the application's own server did not answer in time, and wants nothing to go on then"),
            // In the words of the source document of the exception webhook.
            Refusal::GroupTooFast => write!(f, "msg count exceeds limit,please retry later"),
            Refusal::OwnerCannotQuit(id) => write!(f, "you own group {id}; hand it over before you leave it"),
            Refusal::TooManyJoined(n) => write!(f, "the user is in {n} groups already, the most that limits.kept_groups_per_user allows"),
            Refusal::GroupDeleted(id) => write!(f, "group {id} was deleted"),
            Refusal::TooManyGroups(n) => write!(f, "the application has {n} groups already, the most that limits.groups_per_app allows; delete some"),
            Refusal::GroupEmpty(id) => write!(f, "group {id} has no member online; a message reaches only who is there"),
            Refusal::TooManyTypes(n) => write!(f, "the group has {n} message types already, the most that limits.types_per_group allows; use one of them"),
            Refusal::NotInGroup(id) => write!(f, "not in group {id}; subscribe to it first"),
            Refusal::NoSuchMember { user, group } => write!(f, "user {user} is not in group {group}"),
            Refusal::NoSuchMessage(tid) => write!(f, "message {tid} does not exist"),
            Refusal::NotConnected(user) => write!(f, "user {user} is not connected; a message to one user is not kept for later"),
            Refusal::NotConfirmed(user) => write!(f, "user {user} did not confirm the message within {} s", ACK_WITHIN / 1000),
            Refusal::NotAllowed(what) => write!(f, "no permission to {what}"),
            Refusal::Muted => write!(f, "muted in this group"),
            Refusal::Moderated(reason) if reason.is_empty() => write!(f, "refused by moderation"),
            Refusal::Moderated(reason) => write!(f, "refused by moderation: {reason}"),
            Refusal::TooFast(what) => write!(f, "too fast: {what}"),
            Refusal::TooManyMutes(n) => {
                write!(f, "a list of mutes may have {n} users, the most that limits.mutes_per_group allows; mute the whole group instead")
            }
            Refusal::MessageTooLong { what, bytes, most } => write!(f, "{what} has {bytes} bytes; {most} are allowed"),
            Refusal::TooManyBans(n) => write!(f, "a group may have {n} banned users, the most that limits.bans_per_group allows; lift some bans first"),
            Refusal::TooManyAdmins(n) => write!(f, "a group may have {n} administrators; remove some first"),
            Refusal::TooMuchMetadata(what) => write!(f, "the metadata would have {what}"),
            Refusal::Banned { user, group } => write!(f, "user {user} is banned from group {group}"),
            Refusal::GroupFull(id) => write!(f, "group {id} has as many members as it may have; raise its number of members, or come when somebody has left"),
            Refusal::WebhookExists => write!(f, "there is a callback configuration already; update it"),
            Refusal::NoWebhook => write!(f, "there is no callback configuration; create one first"),
            Refusal::TokenIncomplete => write!(f, "there is no callback token yet: both the token and whether it is enabled are needed"),
            Refusal::LoginRevoked => write!(f, "the user was kicked after this login was made; fetch a new one"),
            Refusal::NoSuchSubscription(id) => write!(f, "subscription {id} does not exist"),
            Refusal::TooManySubscriptions(n) => {
                write!(f, "the application has {n} subscriptions already, the most that limits.subscriptions_per_app allows; delete one")
            }
            Refusal::TooManyForAllChannels(n) => {
                let most = "the most that limits.all_channel_subscriptions_per_app allows";
                write!(f, "the application has {n} subscription(s) for all channels already, {most}; change or delete one, or name a channel")
            }
            Refusal::NoSuchChannel(id) => write!(f, "channel {id} is not open"),
            Refusal::NotInChannel { user, channel } => write!(f, "user {user} is not in channel {channel}; it has to join first"),
            Refusal::BadTicket(id) => {
                write!(f, "the token is none of this application for this user and channel {id}; roomd verify channel tells what is wrong with it")
            }
            Refusal::TicketExpired(id) => write!(f, "the token for channel {id} has expired; fetch a new one"),
            Refusal::ChannelTooLarge(id) => write!(f, "channel {id} has too many users for a list of them; ask presence_stats for their number"),
            Refusal::NotForChannels(what) => {
                write!(f, "{what} is for groups; an rtc channel has no messages, and its medias are published by the rpc method rtc.publish")
            }
            Refusal::TooManyChannels(n) => {
                write!(f, "this session is in {n} groups and channels already, the most that limits.channels_per_session allows; leave one")
            }
            Refusal::AlreadySubscribed(channel) => write!(f, "already subscribed to {channel}"),
            Refusal::TooLarge(id) | Refusal::NoList(id) => write!(f, "group {id} is too large for a member list; ask presence_stats for its numbers"),
            Refusal::Unrecoverable => write!(f, "that position cannot be recovered; read the history instead"),
            Refusal::Bad { what, why } => write!(f, "{what} {why}"),
            Refusal::StreamFull(id) => write!(f, "group {id} has had as many messages as it can number; use another group"),
            Refusal::NoSession => write!(f, "the session has ended; connect again"),
            Refusal::Unavailable => write!(f, "the store could not be written; nothing was changed, try again"),
            Refusal::Internal => write!(f, "internal error"),
            Refusal::Busy => write!(f, "too busy; try again"),
        }
    }
}

impl std::error::Error for Refusal {}
