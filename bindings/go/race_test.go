// SPDX-License-Identifier: MIT

//go:build race

package aioclone

const raceDetector = true
