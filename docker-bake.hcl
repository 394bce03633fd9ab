# What this repository itself makes images of. `npm run relay` builds it: see cli/relay.ts.

variable "BUSYBOX" {
  description = "A folder with amd64/busybox and arm64/busybox, both static."
}

variable "RELAY" {
  default     = "depot-relay:dev"
  description = "The name of the helper's image, which tells one making from another."
}

variable "OUTPUT" {
  default = "dist/relay"
}

group "default" {
  targets = ["relay"]
}

# The helper that runs beside a Docker Engine on another machine while images are loaded into it.
target "relay" {
  name = "relay-${arch}"
  matrix = {
    arch = ["amd64", "arm64"]
  }
  context   = "runtime/load/relay"
  platforms = ["linux/${arch}"]
  contexts = {
    busybox = BUSYBOX
  }
  args = {
    SOURCE_DATE_EPOCH = 0
  }
  attest = ["type=provenance,disabled=true"]
  tags   = [RELAY]
  output = ["type=docker,dest=${OUTPUT}/${arch}.tar"]
}
