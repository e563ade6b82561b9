#!/bin/sh
# What ssh asks for a password; linux.wait_for_ssh sets the answer.
printf '%s\n' "$SSH_ANSWER"
