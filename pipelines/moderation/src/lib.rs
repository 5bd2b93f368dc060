//! The job kind `moderation`: what a text, picture, sound or film contains, and what a policy says to it.
