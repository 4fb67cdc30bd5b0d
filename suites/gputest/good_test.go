package gputest

const good = "stand-in"
