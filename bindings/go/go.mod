module libaio-clone.org/go/aioclone

go 1.19
